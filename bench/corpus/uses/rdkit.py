"""Reads molecules, describes, draws and matches them, with data that it brings."""

from rdkit import Chem, RDConfig
from rdkit.Chem import QED, AllChem, Descriptors, Draw, FilterCatalog, Fragments
from rdkit.Chem.Draw import rdMolDraw2D


def use() -> object:
    molecule = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
    solid = Chem.AddHs(molecule)
    folded = AllChem.EmbedMolecule(solid, randomSeed=7)
    drawn = rdMolDraw2D.MolDraw2DSVG(100, 100)
    drawn.DrawMolecule(molecule)
    drawn.FinishDrawing()
    wanted = FilterCatalog.FilterCatalogParams.FilterCatalogs.BRENK
    catalog = FilterCatalog.FilterCatalog(FilterCatalog.FilterCatalogParams(wanted))
    return [
        round(Descriptors.MolWt(molecule), 3),
        Chem.MolToInchiKey(molecule),
        folded,
        "svg" in drawn.GetDrawingText(),
        Fragments.fr_COO(molecule),
        round(QED.qed(molecule), 4),
        catalog.HasMatch(molecule),
        Draw.MolToImage(molecule).size,
        RDConfig.RDDataDir.rpartition("/")[2],
    ]
