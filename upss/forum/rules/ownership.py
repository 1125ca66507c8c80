"""Whose a question is: before the address is known, it belongs to the browser that wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upss.kernel.ids import AccountId


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """A visitor: an account, or a browser's session, or both; neither owns nothing."""

    asker_id: AccountId | None
    session_id: int | None

    def owns(self, *, asker_id: int | None, session_id: int | None) -> bool:
        """Tell whether the question of this account and session is this visitor's.

        Several people may use one browser: to who is signed in, its session gives only what has no
        account yet.
        """
        if self.asker_id is not None and asker_id == self.asker_id:
            return True
        is_free = asker_id is None or self.asker_id is None
        return is_free and self.session_id is not None and session_id == self.session_id
