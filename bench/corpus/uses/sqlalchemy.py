"""Maps classes to tables of SQLite in memory, and asks."""

from sqlalchemy import ForeignKey, create_engine, func, inspect, select
from sqlalchemy.dialects import mysql, oracle, postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    """Of all tables."""


class Band(Base):
    """A table."""

    __tablename__ = "band"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    songs: Mapped[list["Song"]] = relationship(back_populates="band")


class Song(Base):
    """Another."""

    __tablename__ = "song"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    band_id: Mapped[int] = mapped_column(ForeignKey("band.id"))
    band: Mapped[Band] = relationship(back_populates="songs")


def use() -> object:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Band(name="X", songs=[Song(title="a"), Song(title="b")]))
        session.commit()
        query = select(Band.name, func.count(Song.id)).join(Song).group_by(Band.name)
        rows = [list(row) for row in session.execute(query)]
    dialects = [postgresql.dialect(), mysql.dialect(), oracle.dialect()]
    said = [str(query.compile(dialect=one)) for one in dialects]
    return [rows, said, sorted(inspect(engine).get_table_names())]
