/* Reads an 8x8 image (PGM, text form), shows it, and prints the digit that the compiled network sees in it. */
#include "digits.h"
#include <stdio.h>

static _Alignas(DIGITS_WORKSPACE_ALIGN) unsigned char workspace[DIGITS_WORKSPACE_SIZE];

int main(int argc, char **argv) {
  float image[64], probabilities[10];
  int max = 0;
  FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
  if (!file || fscanf(file, "P2 8 8 %d", &max) != 1 || max <= 0) {
    fprintf(stderr, "usage: %s image.pgm (8 by 8 pixels, text form)\n", argv[0]);
    return 2;
  }
  for (int i = 0; i < 64; ++i) {
    int value = 0;
    if (fscanf(file, "%d", &value) != 1 || value < 0 || value > max)
      return fprintf(stderr, "%s: not a valid image\n", argv[1]), 2;
    image[i] = (float)value / (float)max;
    printf("%c%c%s", " .:+*%#@@"[8 * value / max], " .:+*%#@@"[8 * value / max], i % 8 == 7 ? "\n" : "");
  }
  fclose(file);

  int error = digits_run(image, probabilities, workspace);
  if (error)
    return fprintf(stderr, "digits_run failed with code %d\n", error), 1;
  int best = 0;
  for (int i = 1; i < 10; ++i)
    best = probabilities[i] > probabilities[best] ? i : best;
  printf("This is a %d (%.1f %% sure).\n", best, 100 * (double)probabilities[best]);
  return 0;
}
