"""No countermeasure: the victim learns from the protected images as they are."""

from victims.countermeasures.spec import Countermeasure

STANDARD = Countermeasure(name="standard", title="none", source="-")
