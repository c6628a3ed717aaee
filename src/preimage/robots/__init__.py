"""Robots: forward kinematics with joint limits, units and a Jacobian, from a URDF file."""

from preimage.robots.poses import (
    matrices_from_poses,
    poses_from_matrices,
    poses_from_quaternions,
    quaternions_from_poses,
)
from preimage.robots.urdf import link_names, load_urdf

__all__ = [
    "link_names",
    "load_urdf",
    "matrices_from_poses",
    "poses_from_matrices",
    "poses_from_quaternions",
    "quaternions_from_poses",
]
