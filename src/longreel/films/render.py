"""From a drawn film to pictures and files."""

from longreel.films.encode import FilmPaths, make_film, write_film
from longreel.films.renderer import FilmRenderer, render_frame

__all__ = ["FilmPaths", "FilmRenderer", "make_film", "render_frame", "write_film"]
