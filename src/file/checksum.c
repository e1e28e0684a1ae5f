/* The checksum: a sum over words, so that ranks add their parts in any order. */
#include "file-impl.h"

#include <string.h>

/*
  Odd, so that w k is zero only for w = 0 and any change of one word changes the sum; a fixed scramble of the index, so that words that change
  places or change together change it too, but for a chance of about 2^-33. A word of zero adds nothing: rows never written need no visit.
*/
static inline uint64_t Key(uint64_t i)
{
  uint64_t k = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);

  k ^= k >> 32;
  k *= UINT64_C(0xD6E8FEB86659FD93);
  return (k ^ (k >> 29)) | 1;
}

/* The loop that checkpoints spend their time in. Whole numbers: the same sum however it is compiled. */
__attribute__((always_inline)) static inline uint64_t SumWords(uint64_t first_word, size_t num_words,
                                                               const unsigned char bytes[])
{
  uint64_t sum = 0;
  uint32_t word;

  for (size_t i = 0; i < num_words; ++i) {
    memcpy(&word, bytes + i * sizeof(word), sizeof(word));
    sum += word * Key(first_word + i);
  }
  return sum;
}

static uint64_t SumWordsPlain(uint64_t first_word, size_t num_words, const unsigned char bytes[])
{
  return SumWords(first_word, num_words, bytes);
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
/* AVX-512 multiplies eight 64-bit words at once. */
__attribute__((target("avx512f,avx512dq,prefer-vector-width=512"))) static uint64_t
SumWordsWide(uint64_t first_word, size_t num_words, const unsigned char bytes[])
{
  return SumWords(first_word, num_words, bytes);
}

  #define HAS_WIDE() __builtin_cpu_supports("avx512dq")
#else
  #define SumWordsWide SumWordsPlain
  #define HAS_WIDE()   0
#endif

uint64_t TpChecksum(uint64_t first_word, size_t num_bytes, const void *data)
{
  const unsigned char *bytes     = data;
  const size_t         num_words = num_bytes / sizeof(uint32_t);
  uint64_t sum  = HAS_WIDE() ? SumWordsWide(first_word, num_words, bytes) : SumWordsPlain(first_word, num_words, bytes);
  uint32_t word = 0;

  if (num_bytes % sizeof(word)) {
    memcpy(&word, bytes + num_words * sizeof(word), num_bytes % sizeof(word));
    sum += word * Key(first_word + num_words);
  }
  return sum;
}

/* Elements that lie side by side in the dataset: the last dimensions that are taken whole, and one more. */
static hsize_t RunLength(const TpFileBlock *block, PetscInt *outer)
{
  hsize_t  length = 1;
  PetscInt d      = block->rank - 1;

  while (d > 0 && block->count[d] == block->shape[d]) length *= block->count[d--];
  *outer = d;
  return length * block->count[d];
}

uint64_t TpChecksumBlock(const TpFileBlock *block, size_t element_bytes, const void *data)
{
  const unsigned char *bytes                   = data;
  uint64_t             sum                     = 0;
  hsize_t              index[TP_FILE_MAX_RANK] = {0};
  PetscInt             outer, d;
  const hsize_t        run = RunLength(block, &outer);

  if (!run) return 0;
  for (d = 0; d < outer; ++d)
    if (!block->count[d]) return 0;
  do {
    hsize_t element = 0;

    for (d = 0; d < block->rank; ++d) element = element * block->shape[d] + block->start[d] + index[d];
    sum += TpChecksum(element * (element_bytes / sizeof(uint32_t)), (size_t)run * element_bytes, bytes);
    bytes += (size_t)run * element_bytes;
    for (d = outer - 1; d >= 0 && ++index[d] == block->count[d]; --d) index[d] = 0;
  } while (d >= 0);
  return sum;
}
