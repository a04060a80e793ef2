"""The shapes of the pen digits: where the pen goes, for each digit and each way of writing it.

Coordinates are per cent of the digit's height: x to the right, y downwards, top at 0, bottom at 100. A stroke is the
row of points `x,y` that the pen passes through; a sharp corner is where one stroke ends and the next, behind a semicolon,
begins at the same point. The pictures are drawn by `vae_course.data.pen`.
"""

from dataclasses import dataclass

Stroke = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Skeleton:
    """One way of writing one digit: its name, how often it is chosen (relative to its siblings), and its strokes."""

    digit: int
    name: str
    frequency: float
    path: str

    @property
    def strokes(self) -> tuple[Stroke, ...]:
        """The points of each stroke."""
        strokes = [[point.split(",") for point in stroke.split()] for stroke in self.path.split(";")]
        return tuple(tuple((float(x), float(y)) for x, y in stroke) for stroke in strokes)


SKELETONS = (
    Skeleton(0, "oval", 0.6, "44,1 22,12 4,42 2,76 20,99 48,88 67,54 67,18 48,1 38,3"),
    Skeleton(0, "round with an overlapping end", 0.4, "48,4 24,3 5,26 2,62 18,94 46,98 70,74 74,36 60,8 38,0 26,8"),
    Skeleton(1, "plain", 0.84, "31,0 30,50 29,100"),
    Skeleton(1, "with a serif", 0.1, "10,22 22,12 34,0; 34,0 34,50 34,100"),
    Skeleton(1, "with a serif and a foot", 0.06, "10,20 22,12 34,0; 34,0 34,50 34,99; 8,99 34,99 62,98"),
    Skeleton(2, "straight foot", 0.45, "5,20 18,4 42,1 59,14 56,36 38,62 4,97; 4,97 36,96 72,95"),
    Skeleton(2, "loop in the foot", 0.4, "8,20 24,3 46,3 58,20 52,46 34,74 14,94 2,90 6,77 24,78 44,90 78,90"),
    Skeleton(2, "flat", 0.15, "4,8 30,2 56,6 60,22 40,52 8,88; 8,88 30,82 52,88 80,92"),
    Skeleton(3, "round", 0.55, "4,12 22,1 44,2 55,16 47,34 22,46; 22,46 46,50 60,68 51,90 26,100 1,90"),
    Skeleton(3, "flat top", 0.25, "4,4 30,3 58,2; 58,2 42,24 24,42; 24,42 48,46 62,66 50,92 24,100 2,92"),
    Skeleton(
        3, "loop in the middle", 0.2, "2,12 24,0 48,6 54,22 40,38 22,46 20,52 30,50 50,54 58,72 44,94 20,100 0,92"
    ),
    Skeleton(4, "open", 0.5, "10,2 6,24 3,48 14,56 40,54 64,48; 60,0 54,34 50,66 46,100"),
    Skeleton(4, "open with straight lines", 0.25, "22,4 12,30 0,58; 0,58 36,57 72,56; 52,8 50,54 47,100"),
    Skeleton(4, "closed", 0.15, "48,2 26,32 2,60; 2,60 36,60 70,60; 48,2 47,50 46,100"),
    Skeleton(4, "one stroke", 0.1, "12,4 4,26 8,46 28,48 48,34; 56,2 48,34 42,68 40,100"),
    Skeleton(5, "two strokes", 0.5, "22,4 18,22 14,42; 14,42 34,38 54,52 56,76 40,95 18,100 0,92; 22,4 46,3 76,-2"),
    Skeleton(5, "one smooth stroke", 0.3, "66,0 40,3 22,12 18,34 34,46 50,60 50,82 32,98 12,98 0,88"),
    Skeleton(5, "square shoulder", 0.2, "56,2 34,3 12,4; 12,4 9,24 6,46; 6,46 24,38 48,42 60,62 50,88 26,100 2,92"),
    Skeleton(6, "curved back", 0.6, "46,0 22,20 6,54 8,84 26,99 48,90 54,70 42,56 24,60 10,80"),
    Skeleton(6, "large bowl", 0.4, "34,0 14,26 3,60 8,90 30,100 54,86 58,62 44,46 22,52 6,74"),
    Skeleton(7, "plain", 0.55, "0,13 28,10 64,5; 64,5 48,36 36,66 26,100"),
    Skeleton(7, "rounded", 0.2, "2,16 18,6 44,2 58,12 50,40 38,70 30,100"),
    Skeleton(7, "with a bar", 0.13, "4,6 28,6 60,2; 60,2 46,34 36,66 28,100; 14,54 38,51 64,48"),
    Skeleton(7, "with a serif", 0.12, "2,24 4,14 6,4; 6,4 30,5 62,2; 62,2 46,32 34,66 28,100"),
    Skeleton(8, "one stroke", 0.6, "62,12 46,0 24,6 16,22 26,40 42,56 46,78 28,99 6,92 6,72 26,52 50,34 64,16 56,3"),
    Skeleton(8, "open at the top", 0.2, "52,6 30,1 14,14 18,34 38,52 52,76 36,100 10,92 8,70 28,50 48,30 64,2"),
    Skeleton(
        8, "two circles", 0.2, "30,46 10,34 12,10 32,0 52,10 52,34 30,46; 30,46 6,60 4,86 30,100 56,86 54,60 30,46"
    ),
    Skeleton(9, "straight tail", 0.5, "54,8 34,0 12,12 2,32 14,47 36,42 54,20; 54,8 50,40 43,70 34,100"),
    Skeleton(9, "bent tail", 0.3, "52,14 36,0 12,8 4,30 18,46 40,38 52,14 54,44 44,74 26,100"),
    Skeleton(9, "hooked tail", 0.2, "50,14 34,0 12,8 4,28 18,46 40,36 50,14 54,46 48,84 26,100 4,88"),
)
