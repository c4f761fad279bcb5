"""Sealing the audit trail: each row gets a link in an HMAC chain, and `verify` names the first row that was touched.

A row may be sealed once no transaction that could still commit before it is open: its stored transaction number lies
below `pg_snapshot_xmin`. Sealing by time or id would miss rows that commit late. A link's mac covers the previous mac,
the link's own place and every column of the row. Whoever can write as the owner could still cut off the end of the
chain and its rows; against that, keep the `head` that `verify` returns (each batch also logs it) and hand it back.

After six years the beginning of the chain goes with its rows (`forget`). An anchor, sealed with the same key, holds the
last mac that went: without it a chain that does not begin with its first link is broken.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.kernel import logs
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Database, DbRole, Query, Tx
from wellspring.kernel.ids import NIL
from wellspring.kernel.jobs import JobContext, every

log = logs.get("seal")

BATCH: Final = 1000
_LOCK: Final = 7_205_759_403_792_794
_START: Final = b"\0" * 32
_NEVER: Final = 2**64 - 1


class Head(Struct, frozen=True):
    """The last link: its number, its mac, and below which transaction every row has a link."""

    n: int
    mac: bytes
    xid_below: int


class Row(Struct, frozen=True):
    """An audit row as it is sealed, in this order."""

    person_id: UUID
    id: UUID
    actor_id: UUID
    session_id: UUID | None
    action: str
    section: str
    outcome: str
    count: int
    ip: str | None
    request_id: str | None
    consent_id: UUID | None
    at: datetime
    xid: int


class _Horizon(Struct, frozen=True):
    xmin: int
    xmax: int


_COLUMNS: Final = (
    "a.person_id, a.id, a.actor_id, a.session_id, a.action, a.section, a.outcome, a.count, a.ip, a.request_id,"
    " a.consent_id, a.at, a.xid::text::bigint"
)
LOCK: Final = Query(f"SELECT pg_try_advisory_xact_lock({_LOCK})", bool, DbRole.MAINTENANCE)
HEAD: Final = Query(
    "SELECT n, mac, xid_below::text::bigint FROM kernel.audit_link ORDER BY n DESC LIMIT 1",
    Head,
    DbRole.MAINTENANCE,
)
HORIZON: Final = Query(
    "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() s",
    _Horizon,
    DbRole.MAINTENANCE,
)
# In a database restored into another cluster, transaction numbers begin anew: rows from `$3` on are old and final.
UNLINKED: Final = Query(
    f"SELECT {_COLUMNS} FROM kernel.audit a WHERE a.xid >= $1::text::xid8"
    " AND (a.xid < $2::text::xid8 OR a.xid >= $3::text::xid8)"
    " AND NOT EXISTS (SELECT 1 FROM kernel.audit_link l WHERE l.audit_id = a.id) ORDER BY a.xid, a.id LIMIT $4",
    Row,
    DbRole.MAINTENANCE,
    crosses_people=True,
)
LINK: Final = Query(
    "INSERT INTO kernel.audit_link (n, person_id, audit_id, mac, xid_below) SELECT *, $5::text::xid8"
    " FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::bytea[])",
    int,
    DbRole.MAINTENANCE,
    crosses_people=True,
)


def seal_of(key: bytes, previous: bytes, n: int, xid_below: int, row: Row) -> bytes:
    """Return the mac of a link: HMAC-SHA256 of the previous mac and a JSON array of n, xid_below and the row."""
    text = msgspec.json.encode([n, xid_below, *msgspec.structs.astuple(row)])
    return hmac.digest(key, previous + text, hashlib.sha256)


def _key(keys: Keyring) -> bytes:
    return keys.derive("audit-seal")


async def seal_batch(tx: Tx, keys: Keyring, limit: int = BATCH) -> int:
    """Link up to `limit` rows in the caller's transaction and return how many; 0 while another sealer works."""
    if not await tx.one(LOCK):
        return 0
    head = await tx.maybe(HEAD) or Head(0, _START, 0)
    horizon = await tx.one(HORIZON)
    restored = head.xid_below > horizon.xmin
    known, old = (0, horizon.xmax) if restored else (head.xid_below, _NEVER)
    rows = await tx.all(UNLINKED, str(known), str(horizon.xmin), str(old), limit)
    if rows:
        unfinished = head.xid_below if restored else rows[-1].xid
        await _link(tx, keys, head, rows, unfinished if len(rows) == limit else horizon.xmin)
    return len(rows)


async def _link(tx: Tx, keys: Keyring, head: Head, rows: list[Row], below: int) -> None:
    numbers = list(range(head.n + 1, head.n + 1 + len(rows)))
    macs, mac, key = [], head.mac, _key(keys)
    for n, row in zip(numbers, rows, strict=True):
        mac = seal_of(key, mac, n, below, row)
        macs.append(mac)
    await tx.do(LINK, numbers, [r.person_id for r in rows], [r.id for r in rows], macs, str(below))
    log.info("audit_sealed", rows=len(rows), head=_name(numbers[-1], mac))


async def seal(db: Database, keys: Keyring, limit: int = BATCH) -> int:
    """Link every row that is ready, in batches; return how many."""
    total = 0
    while True:
        async with db.begin(DbRole.MAINTENANCE) as tx:
            found = await seal_batch(tx, keys, limit)
        total += found
        if found < limit:
            return total


@every("* * * * * */5", "kernel.seal")
async def seal_tick(context: JobContext) -> None:
    """Seal what was committed since the last tick."""
    await seal(context.db, context.keys)


class Anchor(Struct, frozen=True):
    """The last link that went because its years were over."""

    n: int
    mac: bytes
    seal: bytes


class _Reach(Struct, frozen=True):
    """The first link that is there, and the last one before any that is younger than six years."""

    first: int
    last: int


# The newest link always stays: the chain goes on from it.
OLD_LINKS: Final = Query(
    "SELECT coalesce((SELECT min(n) FROM kernel.audit_link), 0), coalesce((SELECT n FROM kernel.audit_link"
    " WHERE audit_id >= kernel.uuid7_floor(now() - interval '6 years') ORDER BY n LIMIT 1),"
    " (SELECT max(n) FROM kernel.audit_link), 0) - 1",
    _Reach,
    DbRole.MAINTENANCE,
    crosses_people=True,
)
OLD_ROWS: Final = Query(
    "SELECT count(*) FROM kernel.audit_link l JOIN kernel.audit a ON a.person_id = l.person_id AND a.id = l.audit_id"
    " WHERE l.n <= $1",
    int,
    DbRole.MAINTENANCE,
    crosses_people=True,
)
MAC: Final = Query("SELECT mac FROM kernel.audit_link WHERE n = $1", bytes, DbRole.MAINTENANCE, crosses_people=True)
FORGET: Final = Query("SELECT kernel.forget_audit($1, $2)", int, DbRole.MAINTENANCE)
ANCHOR: Final = Query("SELECT n, mac, seal FROM kernel.audit_anchor", Anchor, DbRole.MAINTENANCE)


def _anchor_seal(keys: Keyring, n: int, mac: bytes) -> bytes:
    return hmac.digest(keys.derive("audit-anchor"), msgspec.json.encode([n, mac]), hashlib.sha256)


async def count_old(db: Database) -> int:
    """Return how many audit rows `forget` would remove."""
    async with db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        return await tx.one(OLD_ROWS, (await tx.one(OLD_LINKS)).last)


async def forget(db: Database, keys: Keyring) -> int:
    """Remove the rows and links at the beginning of the chain that are older than six years; return how many rows."""
    total = 0
    while True:
        async with db.begin(DbRole.MAINTENANCE) as tx:
            reach = await tx.one(OLD_LINKS)
            upto = min(reach.last, reach.first + BATCH - 1)
            mac = await tx.maybe(MAC, upto)
            if mac is None or upto < reach.first:
                return total
            total += await tx.one(FORGET, upto, _anchor_seal(keys, upto, mac))


class Verdict(Struct, frozen=True):
    """What `verify` found. `first_broken` says in words what is wrong first, or is None; `head` is `n:mac`."""

    rows: int
    links: int
    unsealed: int
    first_broken: str | None
    head: str


class Joined(Struct, frozen=True):
    """A link and the row it seals, whose columns are None when the row is gone."""

    n: int
    audit_id: UUID
    mac: bytes
    xid_below: int
    person_id: UUID | None
    id: UUID | None
    actor_id: UUID | None
    session_id: UUID | None
    action: str | None
    section: str | None
    outcome: str | None
    count: int | None
    ip: str | None
    request_id: str | None
    consent_id: UUID | None
    at: datetime | None
    xid: int | None

    def mac_after(self, key: bytes, previous: bytes) -> bytes | None:
        """Return the mac this link must have after `previous`, or None when its row is gone."""
        if self.id is None:
            return None
        row = Row(*msgspec.structs.astuple(self)[4:])
        return seal_of(key, previous, self.n, self.xid_below, row)


class Seen(Struct, frozen=True):
    """An audit row and whether it has a link."""

    id: UUID
    xid: int
    linked: bool


LINKS: Final = Query(
    f"SELECT l.n, l.audit_id, l.mac, l.xid_below::text::bigint, {_COLUMNS} FROM kernel.audit_link l"
    " LEFT JOIN kernel.audit a ON a.person_id = l.person_id AND a.id = l.audit_id WHERE l.n > $1 ORDER BY l.n LIMIT $2",
    Joined,
    DbRole.MAINTENANCE,
    crosses_people=True,
)
ROWS: Final = Query(
    "SELECT a.id, a.xid::text::bigint, EXISTS (SELECT 1 FROM kernel.audit_link l WHERE l.audit_id = a.id)"
    " FROM kernel.audit a WHERE a.xid >= $1::text::xid8 AND (a.xid, a.id) > ($1::text::xid8, $2::uuid)"
    " ORDER BY a.xid, a.id LIMIT $3",
    Seen,
    DbRole.MAINTENANCE,
    crosses_people=True,
)


class _Chain:
    """Walks the links in order and remembers the first that does not fit."""

    def __init__(self, key: bytes, anchor: str | None, begin: Head) -> None:
        self._key = key
        self._anchor = anchor
        self._doubt: tuple[Joined, bytes] | None = None
        self.last = begin
        self.links = 0
        self.broken: str | None = None

    def take(self, link: Joined) -> None:
        self.links += 1
        if self.broken is None:
            self._settle(link)
        if self.broken is None:
            self._check(link)
        self.last = Head(link.n, link.mac, link.xid_below)

    def _check(self, link: Joined) -> None:
        expected = link.mac_after(self._key, self.last.mac)
        if link.n != self.last.n + 1:
            self.broken = f"link {self.last.n + 1} is missing"
        elif expected is None:
            self.broken = f"row {link.audit_id}, which link {link.n} seals, is gone"
        elif not hmac.compare_digest(expected, link.mac):
            self._doubt = (link, expected)
        elif self._anchor and self._anchor.startswith(f"{link.n}:") and self._anchor != _name(link.n, link.mac):
            self.broken = f"link {link.n} is not the one that was noted"

    def _settle(self, following: Joined | None) -> None:
        """Say which of link and row was changed: the next link's mac still holds the true one."""
        if self._doubt is None:
            return
        link, expected = self._doubt
        if following is None:
            self.broken = f"row {link.audit_id} or its link {link.n}, the last one, was changed"
        elif following.mac == following.mac_after(self._key, expected):
            self.broken = f"link {link.n} was changed"
        else:
            self.broken = f"row {link.audit_id}, which link {link.n} seals, was changed"

    def end(self) -> None:
        if self.broken is None:
            self._settle(None)
        if self.broken is None and self._anchor and int(self._anchor.partition(":")[0]) > self.last.n:
            self.broken = f"the links after {self.last.n} are missing"


def _name(n: int, mac: bytes) -> str:
    return f"{n}:{mac.hex()}"


async def _walk_links(db: Database, chain: _Chain) -> None:
    while True:
        async with db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
            found = await tx.all(LINKS, chain.last.n, BATCH)
        for link in found:
            chain.take(link)
        if len(found) < BATCH:
            chain.end()
            return


class _Rows(Struct):
    seen: int = 0
    unsealed: int = 0
    inserted: UUID | None = None


async def _walk_rows(db: Database, sealed_below: int) -> _Rows:
    total, xid, last = _Rows(), 0, NIL
    while True:
        async with db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
            found = await tx.all(ROWS, str(xid), last, BATCH)
        for row in found:
            total.seen += 1
            if row.linked:
                continue
            if row.xid < sealed_below:
                total.inserted = total.inserted or row.id
            else:
                total.unsealed += 1
        if len(found) < BATCH:
            return total
        xid, last = found[-1].xid, found[-1].id


async def _beginning(db: Database, keys: Keyring) -> tuple[Head, str | None]:
    """Return what the first link follows, and what is wrong with the anchor that says so."""
    async with db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        found = await tx.maybe(ANCHOR)
    if found is None:
        return Head(0, _START, 0), None
    right = hmac.compare_digest(found.seal, _anchor_seal(keys, found.n, found.mac))
    return Head(found.n, found.mac, 0), None if right else f"the anchor after link {found.n} was changed"


async def verify(db: Database, keys: Keyring, anchor: str | None = None) -> Verdict:
    """Prove the chain, reading it in batches; `anchor` is a `head` noted earlier, which must still be part of it."""
    begin, forged = await _beginning(db, keys)
    chain = _Chain(_key(keys), anchor, begin)
    await _walk_links(db, chain)
    async with db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        horizon = await tx.one(HORIZON)
    restored = chain.last.xid_below > horizon.xmin
    rows = await _walk_rows(db, 0 if restored else chain.last.xid_below)
    broken = forged or chain.broken
    if broken is None and rows.inserted is not None:
        broken = f"row {rows.inserted} was put into a part that was sealed without it"
    return Verdict(rows.seen, chain.links, rows.unsealed, broken, _name(chain.last.n, chain.last.mac))
