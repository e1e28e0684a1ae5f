/* The checksum: additive over any division, blind to no single change. */
#include "../../../src/file/file-impl.h"
#include "test.h"

#include <string.h>

enum { NUM_BYTES = 4096 + 3 };

static void Fill(unsigned char bytes[])
{
  double numbers[NUM_BYTES / 8 + 1];

  TpRandomUniform(7, TP_RANDOM_TEST, 0, 0, NUM_BYTES / 8 + 1, numbers);
  memcpy(bytes, numbers, NUM_BYTES);
}

/* The definition, with divisions for shifts and decimal constants: what files on disks were written with must not change. */
static void TestDefinition(void)
{
  const uint32_t words[3] = {5, 0, 4000000000u};
  uint64_t       sum      = 0;

  for (uint64_t i = 0; i < 3; ++i) {
    uint64_t k = (10 + i + 1) * 11400714819323198485u;

    k   = (k ^ (k / 4294967296u)) * 15485907386658061715u;
    sum = sum + words[i] * ((k ^ (k / 536870912u)) | 1u);
  }
  TpTestExpect(TpChecksum(10, sizeof(words), words) == sum);
}

static void TestAdditive(const unsigned char bytes[])
{
  const uint64_t whole = TpChecksum(0, NUM_BYTES, bytes);

  for (size_t cut = 0; cut < NUM_BYTES; cut += 4)
    TpTestExpect(TpChecksum(0, cut, bytes) + TpChecksum(cut / 4, NUM_BYTES - cut, bytes + cut) == whole);
}

/* Every single flipped bit, every two neighbouring words changing places, every shift by a word. */
static void TestChanges(unsigned char bytes[])
{
  const uint64_t whole = TpChecksum(0, NUM_BYTES, bytes);

  for (size_t i = 0; i < 8 * NUM_BYTES; ++i) {
    bytes[i / 8] ^= (unsigned char)(1u << (i % 8));
    TpTestExpect(TpChecksum(0, NUM_BYTES, bytes) != whole);
    bytes[i / 8] ^= (unsigned char)(1u << (i % 8));
  }
  for (size_t i = 0; i + 8 <= NUM_BYTES; i += 4) {
    unsigned char word[4];

    if (!memcmp(bytes + i, bytes + i + 4, 4)) continue;
    memcpy(word, bytes + i, 4);
    memcpy(bytes + i, bytes + i + 4, 4);
    memcpy(bytes + i + 4, word, 4);
    TpTestExpect(TpChecksum(0, NUM_BYTES, bytes) != whole);
    memcpy(bytes + i + 4, bytes + i, 4);
    memcpy(bytes + i, word, 4);
  }
  TpTestExpect(TpChecksum(1, NUM_BYTES, bytes) != whole);
}

/* A dataset [4, 3, 5, 2] written in blocks of every kind adds up to the whole. */
static void TestBlocks(const unsigned char bytes[])
{
  TpFileBlock    block = {.rank = 4, .shape = {4, 3, 5, 2}, .count = {4, 3, 5, 2}};
  const uint64_t whole = TpChecksumBlock(&block, 8, bytes);

  TpTestExpect(whole == TpChecksum(0, 4 * 3 * 5 * 2 * 8, bytes));
  for (int cut_dimension = 0; cut_dimension < 4; ++cut_dimension) {
    uint64_t sum = 0;

    for (hsize_t i = 0; i < block.shape[cut_dimension]; ++i) {
      TpFileBlock   part = block;
      unsigned char data[4 * 3 * 5 * 2 * 8];
      size_t        n = 0;

      part.start[cut_dimension] = i;
      part.count[cut_dimension] = 1;
      for (size_t e = 0; e < 4 * 3 * 5 * 2; ++e) {
        const size_t index[4] = {e / 30, e / 10 % 3, e / 2 % 5, e % 2};

        if (index[cut_dimension] == i) memcpy(data + 8 * n++, bytes + 8 * e, 8);
      }
      sum += TpChecksumBlock(&part, 8, data);
    }
    TpTestExpect(sum == whole);
  }
  block.count[1] = 0;
  TpTestExpect(TpChecksumBlock(&block, 8, bytes) == 0);
}

int main(int argc, char **argv)
{
  unsigned char bytes[NUM_BYTES];

  TpTestBegin(&argc, &argv);
  Fill(bytes);
  TestDefinition();
  TestAdditive(bytes);
  TestChanges(bytes);
  TestBlocks(bytes);
  return TpTestEnd();
}
