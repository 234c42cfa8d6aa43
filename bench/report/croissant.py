"""Croissant metadata (MLCommons, version 1.0): a description of files for search engines and dataset loaders."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
LICENCE = "https://spdx.org/licenses/MIT.html"
_KINDS = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".tex": "application/x-tex",
    ".txt": "text/plain",
}


def file_object(name: str, sha256: str, kind: str) -> dict[str, str]:
    """Describe a file that lies next to the metadata."""
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "encodingFormat": kind,
        "sha256": sha256,
    }


def document(name: str, description: str, files: Sequence[Mapping[str, str]], **more: Any) -> str:
    """Return the metadata of files as JSON-LD.

    Args:
        name: the name of the dataset.
        description: one or two sentences.
        files: as `file_object` returns them.
        more: further properties of the dataset, such as `license` and `recordSet`.
    """
    whole = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": description,
        "distribution": list(files),
        **more,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def of_release(name: str, texts: Mapping[str, str], **more: str) -> str:
    """Return the metadata of a release of results, with every column of its CSV.

    Args:
        name: the name of the release.
        texts: its files by name, including `leaderboard.csv`.
        more: further properties, such as `version`.
    """
    files = [
        file_object(file, hashlib.sha256(text.encode()).hexdigest(), _KINDS[file[file.rindex(".") :]])
        for file, text in texts.items()
    ]
    scores = {
        "@type": "cr:RecordSet",
        "@id": "scores",
        "name": "scores",
        "description": "One row per dataset, protocol, precision and cell, over its seeds; accuracies in percent.",
        "field": _fields("leaderboard.csv", texts["leaderboard.csv"]),
    }
    description = (
        "Results of unlearnable-bench, a benchmark of unlearnable examples: clean test accuracy of networks trained on "
        "protected images, and the cost of generating the noise."
    )
    return document(name, description, files, license=LICENCE, recordSet=[scores], **more)


def _fields(file: str, text: str) -> list[dict[str, Any]]:
    """Describe the columns of a CSV; a column is numeric if all its values are numbers, missing ones aside."""
    head, *rows = csv.reader(io.StringIO(text))
    fields = []
    for index, name in enumerate(head):
        values = [row[index] for row in rows if row[index]]
        field = {
            "@type": "cr:Field",
            "@id": f"scores/{name}",
            "name": name,
            "dataType": "sc:Float" if values and all(map(_is_number, values)) else "sc:Text",
            "source": {"fileObject": {"@id": file}, "extract": {"column": name}},
        }
        fields.append(field)
    return fields


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
