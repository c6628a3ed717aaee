from hypothesis import settings

# How long one example takes says more about the machine than about the code. Under CI, hypothesis
# loads a profile of its own that has no deadline and draws the same examples every time.
settings.register_profile("preimage", deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("preimage")
