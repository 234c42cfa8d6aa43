"""What operating systems, file servers and tools leave in folders: neither classes nor images.

The names come from common ignore lists: GitHub's for macOS, Windows and Linux, and those of programs that index or copy
file servers. Most begin with a dot (`.ipynb_checkpoints`, `.thumbnails`, `.Trashes`, `._cat.jpg`), as all hidden names
do; those below do not. Add new names in lower case: case is ignored. `recycled`, the oldest name of a recycle bin, is
left out, since it may be a class.
"""

_FOLDERS = frozenset(
    {
        *("__macosx", "network trash folder", "temporary items"),  # macOS: archives, shared folders
        *("$recycle.bin", "recycler", "system volume information", "found.000"),  # Windows
        *("@eadir", "#recycle", "#snapshot", "@sharesnap", "@tmp"),  # Synology: thumbnails, recycle bin, snapshots
        *("@recycle", "@recently-snapshot", "@transcode"),  # QNAP
        "~snapshot",  # NetApp
        "lost+found",  # file systems of Linux
        "__pycache__",  # Python
        "_vti_cnf",  # FrontPage: a text file for each image, of the same name
    }
)
_FILES = frozenset(
    {
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"),  # Windows
        "icon\r",  # macOS
        *("picasa.ini", "zbthumbnail.info", "pspbrwse.jbf"),  # photo managers
    }
)
# attributes of a file, stored as a file next to it: its download source, its encryption, Synology's
_ENDINGS = (":zone.identifier", ":encryptable", "@synoeastream", "@synoresource")


def is_clutter(name: str) -> bool:
    """Return whether a file or folder of this name is hidden or was left by a system or a tool."""
    low = name.lower()
    return name.startswith(".") or low in _FOLDERS or low in _FILES or low.endswith(_ENDINGS)
