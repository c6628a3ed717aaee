// A drawing that is dragged, moved by the arrow keys, clicked on, and saved as a picture. The next
// place of the pointer is sent only after the last one was answered, so that nothing piles up.
const LOOKS = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity",
  "stroke-linecap", "stroke-linejoin", "opacity", "font-family", "font-size", "font-weight",
  "text-anchor",
];
const KEYS = {
  ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0],
  PageUp: [0, 10], PageDown: [0, -10],
};
const PATIENCE = 3000;
const SLACK = 4;

export default {
  template: `
    <div class="figure" :class="{ movable }" :tabindex="movable ? 0 : null" :role="role"
      :aria-label="label" :aria-valuetext="value" :aria-valuenow="now"
      :aria-valuemin="movable && now !== null ? least : null"
      :aria-valuemax="movable && now !== null ? most : null"
      @pointerdown="down" @pointermove="move" @pointerup="up" @pointercancel="up" @keydown="key"
      @dragstart.prevent v-html="svg"></div>`,
  props: {
    svg: String, serial: Number, movable: Boolean, role: String, label: String, value: String,
    now: { type: Number, default: null }, least: Number, most: Number,
  },
  data: () => ({ waiting: null, asked: 0, held: false, chosen: null, from: null, resting: false }),
  mounted() {
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.$el);
  },
  unmounted() {
    this.observer.disconnect();
  },
  watch: {
    serial() {
      requestAnimationFrame(() => {
        if (this.asked) this.$el.dataset.ms = (performance.now() - this.asked).toFixed(1);
        this.asked = 0;
        if (this.waiting) this.ask(...this.waiting);
        else if (this.resting) this.settle();
      });
    },
  },
  methods: {
    measure() {
      const width = Math.round(this.$el.clientWidth);
      if (width > 0 && width !== this.width) {
        this.width = width;
        this.$emit("width", width);
      }
    },
    place(event) {
      const box = this.$el.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    },
    ask(name, detail) {
      if (this.asked && performance.now() - this.asked < PATIENCE) {
        this.waiting = [name, detail];
        return;
      }
      this.waiting = null;
      this.asked = performance.now();
      this.$emit(name, detail);
    },
    down(event) {
      if (event.button !== 0) return;
      const part = event.target.closest("[data-index]");
      this.chosen = part ? Number(part.dataset.index) : null;
      this.from = this.place(event);
      if (this.movable) {
        this.$el.setPointerCapture(event.pointerId);
        this.$el.focus({ preventScroll: true });
      }
      if (part === null) this.take(event);
    },
    take(event) {
      if (!this.movable) return;
      this.held = true;
      this.ask("drag", this.place(event));
    },
    move(event) {
      if (this.held) this.ask("drag", this.place(event));
      else if (this.chosen !== null) {
        // A part that is pressed and not moved is chosen; moved, it is a drag like any other.
        const { x, y } = this.place(event);
        if (Math.hypot(x - this.from.x, y - this.from.y) > SLACK) {
          this.chosen = null;
          this.take(event);
        }
      }
    },
    up() {
      if (this.held) this.settle();
      else if (this.chosen !== null) this.$emit("choose", this.chosen);
      this.held = false;
      this.chosen = null;
    },
    settle() {
      // What was asked last is answered first.
      this.resting = Boolean(this.asked || this.waiting);
      if (!this.resting) this.$emit("settle");
    },
    key(event) {
      if (!this.movable || !(event.key in KEYS) || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const [right, up] = KEYS[event.key].map((step) => (event.shiftKey ? step / 10 : step));
      this.ask("step", { right, up });
      clearTimeout(this.rest);
      this.rest = setTimeout(() => this.settle(), 300);
    },
    async png(name) {
      const drawn = this.$el.querySelector("svg");
      const copy = drawn.cloneNode(true);
      const from = drawn.querySelectorAll("*");
      copy.querySelectorAll("*").forEach((part, i) => {
        const look = getComputedStyle(from[i]);
        for (const one of LOOKS) part.style.setProperty(one, look.getPropertyValue(one));
      });
      const [, , width, height] = drawn.getAttribute("viewBox").split(" ").map(Number);
      const scale = Math.max(2, 1200 / width);
      copy.setAttribute("width", width * scale);
      copy.setAttribute("height", height * scale);
      const text = new XMLSerializer().serializeToString(copy);
      const image = new Image();
      image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), {
        width: width * scale, height: height * scale,
      });
      const ink = canvas.getContext("2d");
      ink.fillStyle = getComputedStyle(document.body).backgroundColor;
      ink.fillRect(0, 0, canvas.width, canvas.height);
      ink.drawImage(image, 0, 0, canvas.width, canvas.height);
      const link = document.createElement("a");
      link.download = name;
      link.href = canvas.toDataURL("image/png");
      link.click();
    },
  },
};
