# The C++ core and its tests on an x86-64 processor of 2006, without AVX, emulated.
# Debian: qemu-user
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-x86_64 -cpu core2duo)
