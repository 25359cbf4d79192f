"""Runs inside Blender: says which build this is and where its files lie."""

import json
import os
import sys

import bpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import graphics

places = {sys.prefix, sys.base_prefix, os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))}
if bpy.app.binary_path:
    places.add(os.path.dirname(os.path.realpath(bpy.app.binary_path)))
version = ".".join(str(part) for part in bpy.app.version)
sys.stdout.flush()
facts = {"version": version, "hash": bpy.app.build_hash.decode(), "mounts": sorted(places)}
os.write(1, ("\nTILEPROOF " + json.dumps(facts) + "\n").encode())
try:
    os.write(1, ("\nTILEPROOF " + json.dumps({"graphics": graphics.find()}) + "\n").encode())
except (OSError, RuntimeError, AttributeError) as error:
    print(f"no OpenGL: {error}", file=sys.stderr, flush=True)
os._exit(0)
