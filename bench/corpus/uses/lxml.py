"""Parses, transforms with XSLT, validates with RELAX NG, asks with XPath and CSS."""

from lxml import etree, html, isoschematron, objectify

_SHEET = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><b><xsl:value-of select="count(//i)"/></b></xsl:template>
</xsl:stylesheet>"""
_RULES = """<schema xmlns="http://purl.oclc.org/dsdl/schematron"><pattern>
<rule context="a"><assert test="i">needs an i</assert></rule></pattern></schema>"""


def use() -> object:
    tree = etree.fromstring("<a><i>1</i><i>2</i></a>")
    made = str(etree.XSLT(etree.XML(_SHEET))(tree))
    valid = isoschematron.Schematron(etree.XML(_RULES)).validate(tree)
    page = html.fromstring("<p>a<br>b &amp; <a href='/x'>c</a></p>")
    page.make_links_absolute("https://example.org/")
    total = sum(objectify.fromstring(etree.tostring(tree)).i[:])
    return [made, valid, html.tostring(page).decode(), int(total), tree.xpath("string(i[2])")]
