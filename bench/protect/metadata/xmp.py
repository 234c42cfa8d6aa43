"""XMP data: the properties about the owner are rebuilt; everything else is dropped."""

import re
from collections.abc import Iterator, Mapping
from typing import cast
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from bench.protect.metadata import exif
from bench.protect.metadata.draft import Draft, unfit

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
META = "{adobe:ns:meta/}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# what is kept: by prefix, the namespace and its properties
PROPERTIES: Mapping[str, tuple[str, frozenset[str]]] = {
    "dc": ("http://purl.org/dc/elements/1.1/", frozenset({"creator", "contributor", "publisher", "rights"})),
    "xmpRights": (
        "http://ns.adobe.com/xap/1.0/rights/",
        frozenset({"Certificate", "Marked", "Owner", "UsageTerms", "WebStatement"}),
    ),
    "photoshop": ("http://ns.adobe.com/photoshop/1.0/", frozenset({"AuthorsPosition", "Credit", "Source"})),
    "Iptc4xmpCore": ("http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", frozenset({"CreatorContactInfo"})),
    "plus": (
        "http://ns.useplus.org/ldf/xmp/1.0/",
        frozenset((
            *("CopyrightOwner", "CopyrightRegistrationNumber", "CopyrightStatus", "CreditLineRequired", "DataMining"),
            *("EndUser", "ImageAlterationConstraints", "ImageCreator", "ImageDuplicationConstraints"),
            *("ImageFileConstraints", "ImageSupplier", "LicenseEndDate", "LicenseID", "LicenseStartDate"),
            *("LicenseTransactionDate", "Licensee", "LicenseeTransactionID", "Licensor", "LicensorNotes"),
            *("LicensorTransactionID", "MediaConstraints", "MediaSummaryCode", "OtherConditions", "OtherConstraints"),
            *("OtherLicenseDocuments", "OtherLicenseInfo", "OtherLicenseRequirements", "ProductOrServiceConstraints"),
            *("RegionConstraints", "Reuse", "TermsAndConditionsText", "TermsAndConditionsURL"),
        )),
    ),
    "cc": (
        "http://creativecommons.org/ns#",
        frozenset({"attributionName", "attributionURL", "license", "morePermissions", "useGuidelines"}),
    ),
    "tdm": ("http://www.w3.org/ns/tdmrep/", frozenset({"policy", "reservation"})),
    "tdmrep": ("http://www.w3.org/ns/tdmrep#", frozenset({"policy", "reservation"})),  # as some write it
    "tiff": ("http://ns.adobe.com/tiff/1.0/", frozenset({"Artist", "Copyright"})),
    "aux": ("http://ns.adobe.com/exif/1.0/aux/", frozenset({"OwnerName"})),
    "exifEX": ("http://cipa.jp/exif/1.0/", frozenset({"CameraOwnerName"})),
}  # fmt: skip
ORIENTATION = "{http://ns.adobe.com/tiff/1.0/}Orientation"
_NAMES = frozenset(f"{{{space}}}{name}" for space, names in PROPERTIES.values() for name in names)
_SPACES = tuple(f"{{{space}}}" for space, _ in PROPERTIES.values())
_HOLDERS = frozenset(f"{RDF}{name}" for name in ("Alt", "Bag", "Seq", "li", "Description"))
_ABOUT = f"{RDF}about"
_RESOURCE = f"{RDF}resource"
_PARSE_TYPE = (f"{RDF}parseType", "Resource")
_LANGUAGE_TAG = re.compile(r"[A-Za-z0-9-]{1,35}")
_DEEPEST = 8
# names of properties that hold pictures, or say where in the file there are more
_CARRIERS = re.compile(
    r"thumbnail|preview|container|directory|gimage|gainmap|depth|pano|motionphoto|microvideo|extendedxmp|base64|:image$",
    re.IGNORECASE,
)
_HEAD = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_TAIL = b'<?xpacket end="r"?>'

for _prefix, (_space, _) in PROPERTIES.items():
    ET.register_namespace(_prefix, _space)
ET.register_namespace("x", META[1:-1])


def qualified(name: str) -> str:
    """Return `prefix:name` as ElementTree writes it."""
    prefix, _, local = name.partition(":")
    return f"{{{PROPERTIES[prefix][0]}}}{local}"


def read_xmp(data: bytes, draft: Draft) -> None:
    """Keep the properties about the owner, and an orientation, unless EXIF data has one, as EXIF data.

    Raises:
        ValueError or another: if the data is damaged, or declares entities.
    """
    text = _text(data).strip("\0 \t\r\n")
    if not text:
        return
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # these can expand without end
        raise ValueError("it declares entities")
    root = ET.fromstring(text)  # noqa: S314 - nothing is declared, so nothing expands
    for description in root if root.tag == f"{RDF}RDF" else root.findall(f"{RDF}RDF/*"):
        for name, value in description.attrib.items():
            if name != _ABOUT:
                _take(_plain(name, value), draft)
        for element in description:
            _take(element, draft)


def add_list(name: str, kind: str, lines: list[str], draft: Draft) -> None:
    """Keep a property that is a list of texts: `Seq`, which is ordered, or `Alt`, with one per language."""
    element = Element(name)
    holder = ET.SubElement(element, f"{RDF}{kind}")
    for line in lines:
        ET.SubElement(holder, f"{RDF}li", {LANGUAGE: "x-default"} if kind == "Alt" else {}).text = line
    draft.xmp[name] = _rebuilt(element)


def add_property(name: str, text: str, draft: Draft) -> None:
    """Keep a property that is one text."""
    draft.xmp[name] = _rebuilt(_plain(name, text))


def holds(element: Element, text: str) -> bool:
    """Return whether a text is among those of a property."""
    return " ".join(text.split()) in {" ".join((one.text or "").split()) for one in element.iter()}


def property_texts(element: Element) -> Iterator[str]:
    """Yield all texts in a rebuilt property, including those of attributes."""
    for one in element.iter():
        values = (value for name, value in one.attrib.items() if name not in {LANGUAGE, _PARSE_TYPE[0]})
        yield from filter(None, (*values, one.text))


def write_xmp(kept: Mapping[str, Element]) -> bytes:
    """Return the XMP packet of the kept properties; empty where there are none."""
    if not kept:
        return b""
    root = Element(f"{META}xmpmeta")
    description = Element(f"{RDF}Description", {_ABOUT: ""})
    description.extend(kept[name] for name in sorted(kept))
    ET.SubElement(root, f"{RDF}RDF").append(description)
    return _HEAD + cast("bytes", ET.tostring(root, encoding="utf-8", xml_declaration=False)) + _TAIL


def _text(data: bytes) -> str:
    coding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    return data.decode(coding)


def _take(element: Element, draft: Draft) -> None:
    name, what = element.tag, f"XMP {_shown(element.tag)}"
    if name == ORIENTATION:
        value = (element.text or "").strip()
        if not draft.oriented and value in map(str, range(1, 9)):
            draft.exif.setdefault(exif.ORIENTATION, exif.short(int(value)))
        return
    if name not in _NAMES:
        texts = "\n".join(element.itertext())
        (draft.picture if _CARRIERS.search(what) or unfit(texts) else draft.other)(what)
        return
    try:
        rebuilt = _rebuilt(element)
    except ValueError as error:
        draft.lose(what, str(error))
        return
    texts = "\n".join(property_texts(rebuilt))
    if why := unfit(texts):
        draft.lose(what, why)
    elif texts:
        there = draft.xmp.setdefault(name, rebuilt)
        if ET.tostring(there) != ET.tostring(rebuilt):
            draft.lose(what, "it occurs twice, with different values")


def _rebuilt(element: Element, depth: int = 0) -> Element:
    """Return a copy with only texts in it, and the lists and structures that these properties consist of.

    Raises:
        ValueError: if there is something else in the element.
    """
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    copy = Element(element.tag)
    for name, value in element.attrib.items():
        allowed = name == _RESOURCE or name.startswith(_SPACES) or (name, value) == _PARSE_TYPE
        if not allowed and not (name == LANGUAGE and _LANGUAGE_TAG.fullmatch(value)):
            raise ValueError(f"{_shown(name)} in it is unknown")
        copy.set(name, " ".join(value.split()))
    for child in element:
        if child.tag not in _HOLDERS and not child.tag.startswith(_SPACES):
            raise ValueError(f"{_shown(child.tag)} in it is unknown")
        copy.append(_rebuilt(child, depth + 1))
    if not len(copy):
        copy.text = "\n".join((element.text or "").splitlines()).strip()  # line endings as in XML
    return copy


def _plain(name: str, text: str) -> Element:
    element = Element(name)
    element.text = text
    return element


def _shown(name: str) -> str:
    """Return a qualified name with its namespace's prefix, or else the most telling part of the namespace."""
    space, _, local = name.lstrip("{").rpartition("}")
    prefix = next((prefix for prefix, (known, _) in PROPERTIES.items() if known == space), None)
    words = [word for word in re.split(r"[/#]", space) if word and not re.fullmatch(r"[\d.]+|xmlns", word)]
    return f"{prefix or (words[-1] if words else '').replace('xap', 'xmp')}:{local}"
