"""The tree over each chain's records, in tiles: what a proof is made of without reading all records."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.declare import exempt


@exempt("inner nodes of the tree, derived from the records' leaves", technical="id chain level index hashes")
class Tile(models.Model):
    """Up to 256 hashes of one level of a chain's tree (see `audit.tiles`). Each proof made from it checks itself."""

    id = models.BigAutoField(primary_key=True)
    chain = models.TextField(_("chain"))
    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    hashes = models.BinaryField(max_length=8192)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "level", "index"], name="tile_once")]

    def __str__(self) -> str:
        return f"{self.chain} {self.level}/{self.index}"
