#pragma once

#include "tempera/base.h"
