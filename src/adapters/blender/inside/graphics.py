"""Runs inside Blender: the OpenGL that a Blender without a window finds here.

EGL's and OpenGL's numbers are from the Khronos registries' egl.xml and gl.xml.
"""

import ctypes

OPENGL_API, MAJOR, MINOR, PROFILE, CORE, END = 0x30A2, 0x3098, 0x30FB, 0x30FD, 1, 0x3038
RENDERER, VERSION = 0x1F01, 0x1F02
LEAST_MAJOR, LEAST_MINOR = 4, 3
"""Blender 4.5's documented least."""


def find():
    """The renderer and its version in the library's own words.

    Raises OSError where there is no EGL library, RuntimeError where it offers no such context.
    """
    egl = ctypes.CDLL("libEGL.so.1")
    egl.eglGetDisplay.restype = egl.eglCreateContext.restype = egl.eglGetProcAddress.restype = ctypes.c_void_p
    display = ctypes.c_void_p(egl.eglGetDisplay(None))
    wanted = (ctypes.c_int * 7)(MAJOR, LEAST_MAJOR, MINOR, LEAST_MINOR, PROFILE, CORE, END)
    if not egl.eglInitialize(display, None, None) or not egl.eglBindAPI(OPENGL_API):
        raise RuntimeError("EGL does not start")
    context = ctypes.c_void_p(egl.eglCreateContext(display, None, None, wanted))
    if not context or not egl.eglMakeCurrent(display, None, None, context):
        raise RuntimeError("EGL has no such context")
    get_string = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_uint)(egl.eglGetProcAddress(b"glGetString"))
    return ", ".join(get_string(name).decode(errors="replace") for name in (RENDERER, VERSION))
