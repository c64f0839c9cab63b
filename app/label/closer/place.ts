type Size = { width: number; height: number };

/** How the content of a pane is moved and scaled from fitting the pane; px, and a factor. */
export type Transform = { x: number; y: number; scale: number };

/** What is seen: px of the screen for one of the image, and the image's px in the pane's middle. */
export type Place = { magnification: number; across: number; down: number };

/** Px of the screen for one px of an image that just fits its pane. */
function fitting(pane: Size, image: Size): number {
  return Math.min(pane.width / image.width, pane.height / image.height);
}

/** What a pane shows of an image, so that a pane of another shape can show the same. */
export function placeOf(transform: Transform, pane: Size, image: Size): Place {
  const fit = fitting(pane, image);
  const at = (middle: number, moved: number, inPane: number, ofImage: number) =>
    (middle - moved) / (transform.scale * fit) - (inPane / fit - ofImage) / 2;
  return {
    magnification: transform.scale * fit,
    across: at(pane.width / 2, transform.x, pane.width, image.width),
    down: at(pane.height / 2, transform.y, pane.height, image.height),
  };
}

/** How to show that place in a pane: nothing beyond the content's edge where it fills the pane. */
export function transformFor(place: Place, pane: Size, image: Size): Transform {
  const fit = fitting(pane, image);
  const scale = place.magnification / fit;
  const moved = (inPane: number, ofImage: number, at: number) => {
    const wanted = inPane / 2 - scale * fit * (at + (inPane / fit - ofImage) / 2);
    if (scale <= 1) return (inPane * (1 - scale)) / 2;
    return Math.min(0, Math.max(inPane * (1 - scale), wanted));
  };
  return {
    x: moved(pane.width, image.width, place.across),
    y: moved(pane.height, image.height, place.down),
    scale,
  };
}
