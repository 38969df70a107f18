// The row scan of a STAR table over a buffer.
#pragma once
