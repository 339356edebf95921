#!/bin/sh
# Makes the libraries of this folder. Needs gcc for x86_64, patchelf and
# binutils-aarch64-linux-gnu; made with those of Debian 12. Run it in this folder.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/answer.c" <<'C'
#include <stdio.h>
#include <string.h>
static __thread int counter = 40;
int unset[3000];
static const char *names[] = {"one", "two"};
static int started;
__attribute__((constructor)) static void start(void) { started = 1; }
int answer(void) { return counter + started + (int)strlen(names[1]) - 2 + unset[2999]; }
int raise_counter(void) { return ++counter; }
void say(void) { puts(names[0]); }
C
echo 'int main(void) { return 0; }' > "$work/main.c"
flags="-shared -fPIC -O1 -g -Wl,--build-id=sha1 -Wl,-soname,libanswer.so"
cd "$work"
gcc $flags -o plain.so answer.c
# Old linkers' defaults: 2 MiB pages, code and data in the same pages of the file.
gcc $flags -Wl,-z,max-page-size=0x200000 -Wl,-z,noseparate-code -o wide.so answer.c
# What auditwheel does to a library that it bundles.
cp plain.so patched.so
patchelf --set-soname libanswer-0123abcd.so patched.so
patchelf --force-rpath --set-rpath '$ORIGIN/../answer.libs:$ORIGIN/a/longer/folder' patched.so
gcc -O1 -o program main.c

cat > arm.s <<'S'
    .text
    .global answer
    .type answer, %function
answer:
    mov w0, #42
    ret
    .size answer, . - answer
    .data
    .global place
place:
    .xword answer
    .bss
    .space 100
S
aarch64-linux-gnu-as -g -o arm.o arm.s
aarch64-linux-gnu-ld -shared --build-id=sha1 -soname libanswer.so -z max-page-size=0x10000 \
    -z separate-code -o arm64.so arm.o
cd "$OLDPWD"
for name in plain.so wide.so patched.so program arm64.so; do
    gzip -9n < "$work/$name" > "$name.gz"
done
