"""Makes the scenes that the verifier proves itself on, each of another nature and all animated.

Eight frames, Cycles, 240x135, 64 samples, some seconds a frame on one core. Made for Tileproof and,
like all of it, under the Apache License 2.0; without any file beside the .blend, and the same at every
making. Run by a Python that has bpy, or by Blender:

    python scenes/proving/make.py --scene hair --out hair.blend
    python scenes/proving/make.py --all folder            # every scene, as folder/NAME.blend
    python scenes/proving/make.py --list                  # names and natures, without making any
    blender --background --factory-startup --python scenes/proving/make.py -- --scene hair --out hair.blend
"""

import argparse
import importlib
import os
import sys

import bpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from names import SCENES


def make(name, out):
    out = os.path.abspath(out)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    importlib.import_module(name).build()
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=out, compress=True)


def nature(name):
    return (importlib.import_module(name).__doc__ or "").strip().splitlines()[0]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--scene", choices=SCENES)
    what.add_argument("--all", metavar="FOLDER", help="write every scene")
    what.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--out", help="the .blend to write, with --scene")
    given = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else None)
    if given.list:
        print("\n".join(f"{name}\t{nature(name)}" for name in SCENES))
    elif given.all:
        for name in SCENES:
            make(name, os.path.join(given.all, name + ".blend"))
    elif given.out:
        make(given.scene, given.out)
    else:
        parser.error("--scene needs --out")


main()
sys.stdout.flush()
os._exit(0)  # bpy can hang at exit
