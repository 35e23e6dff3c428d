"""Right shapes, wrong values: the first string adds up the rows, the second leaves the images as they are."""

strings = {
    "diagonal": "nhw->nh",
    "mirrored": "nhw->nhw",
    "ink": "nhw->n",
    "length": "nhw,nhw->n",
    "grey": "hwc,c->hw",
    "scores": "nhw,khw->nk",
    "moments": "ni,nj->ij",
    "energy": "ni,ij,nj->n",
}
