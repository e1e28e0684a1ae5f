/* A folder for one test's files, and what is done to them behind the library's back. */
#pragma once

#include "tempera/file.h"
#include "test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch[256];

static inline int TestRank(void)
{
  int rank = 0;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static inline int TestSize(void)
{
  int size = 1;

  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

static inline void ScratchCreate(void)
{
  const char *folder = getenv("TMPDIR");

  if (!TestRank()) {
    snprintf(scratch, sizeof(scratch), "%s/tempera-file-XXXXXX", folder ? folder : "/tmp");
    TpTestExpect(mkdtemp(scratch) != NULL);
  }
  MPI_Bcast(scratch, sizeof(scratch), MPI_CHAR, 0, MPI_COMM_WORLD);
}

static inline void RemoveTree(const char *path)
{
  DIR           *folder = opendir(path);
  struct dirent *entry;
  char           name[1024];

  while (folder && (entry = readdir(folder))) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    if (snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) >= (int)sizeof(name)) continue;
    if (unlink(name)) RemoveTree(name);
  }
  if (folder) closedir(folder);
  rmdir(path);
}

static inline void ScratchDestroy(void)
{
  MPI_Barrier(MPI_COMM_WORLD);
  if (!TestRank()) RemoveTree(scratch);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* A path in the folder; overwritten by the call after next. */
static inline const char *Path(const char *name)
{
  static char paths[2][512];
  static int  turn;

  turn = !turn;
  snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", scratch, name);
  return paths[turn];
}

/* The bytes of a file; free() them. */
static inline char *Load(const char *path, size_t *length)
{
  FILE *file  = fopen(path, "rb");
  char *bytes = NULL;

  *length = 0;
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  bytes = malloc(*length + 1);
  if (fread(bytes, 1, *length, file) != *length) *length = 0;
  fclose(file);
  return bytes;
}

/* Rank 0 writes the bytes, then all go on. */
static inline void Store(const char *path, const char *bytes, size_t length)
{
  if (!TestRank()) {
    FILE *file = fopen(path, "wb");

    TpTestExpect(file && fwrite(bytes, 1, length, file) == length);
    if (file) fclose(file);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static const TpFileHeader test_header = {
    .format = "tempera test", .version = 3, .program = "tempera 0", .parameters = "a: 1\n"};
