"""What a VRM 1.0 says of itself. Imported by the front process, so: pydantic, never torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from model.request import listed

_LICENCE = "https://vrm.dev/licenses/1.0/"
Text = Annotated[str, Field(min_length=1, max_length=256)]


class VrmMeta(BaseModel):
    """Name and licence of an avatar, as VRM 1.0 names them. It is somebody's likeness, so by default nobody else may do
    anything with it."""

    model_config = ConfigDict(extra="forbid")

    name: Text = "avatar"
    authors: Annotated[list[Text], BeforeValidator(listed)] = Field(["unknown"], min_length=1, max_length=16)
    copyright_information: Text | None = None
    contact_information: Text | None = None
    avatar_permission: Literal["onlyAuthor", "onlySeparatelyLicensedPerson", "everyone"] = "onlyAuthor"
    commercial_usage: Literal["personalNonProfit", "personalProfit", "corporation"] = "personalNonProfit"
    credit_notation: Literal["required", "unnecessary"] = "required"
    modification: Literal["prohibited", "allowModification", "allowModificationRedistribution"] = "prohibited"
    allow_redistribution: bool = False
    allow_excessively_violent_usage: bool = False
    allow_excessively_sexual_usage: bool = False
    allow_political_or_religious_usage: bool = False
    allow_antisocial_or_hate_usage: bool = False

    def described(self, notice: str | None) -> dict[str, object]:
        """The `meta` of the file. notice: of whose model data it holds."""
        said = {_camel(name): value for name, value in self.model_dump(exclude_none=True).items()}
        return said | {"licenseUrl": _LICENCE} | ({} if notice is None else {"thirdPartyLicenses": notice})


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
