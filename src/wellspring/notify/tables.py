"""What notify stores."""

from wellspring.kernel.tables import Kind, Table, declare

declare(Table(name="notify.delivery", kind=Kind.PERSON, retention="two quarters"))
