"""A slimmed tree parted into the function and layers, whole distributions kept together. Pure.

``splitting.split`` is the way in; ``wideload.plan.fleet.plan_fleet`` does it for many functions
at once. ``atoms`` finds what must not be parted, ``search`` the cheapest partition, ``layout``
the paths in a layer's zip.

The objective, in this order:

1. *It fits*: at most five layers with those of others, all files together within the unzipped
   quota. Lambda holds the sum of function and layers against it, so where the sum does not
   fit no split does, and where it does each layer does too.
2. *What changes often is away from what changes rarely.* The user's own code is alone in the
   function, with no more than `atoms.SMALL` bytes (zipped) of distributions beside it, while
   there is a layer for these. Heavy distributions (from `atoms.HEAVY` bytes zipped) are parted
   so that the fewest bytes are uploaded in a year::

       sum over the layers of  LAYER + (1 + rates of its distributions) * (their weights)

   where a weight is the zipped size rounded down to a power of two (so that a new version that
   weighs a little more moves nothing), a rate is the new versions a year that are taken, and
   the one is the first upload. Light distributions share one layer, or lie in the function
   where there is none left for them.
3. *Layers are shared*: in a fleet a layer counts once however many functions use it.
4. *Few layers*: ``LAYER``, which is less than what parting two heavy distributions saves.

Heavy layers are chosen first and leave one layer for the light distributions, needed or not:
so what is light never moves what is heavy.
"""
