// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Torture proves that no acknowledged record is lost or duplicated, whatever fails
// under the journal: each system call that it makes on its files, the process itself
// (kill -9), the disk (full, read-only, refusing), permissions and descriptors. It
// works on the real program, bin/auditchain, and on the real kernel: strace makes the
// calls fail, a small tmpfs gets full. Run it with `make torture`; it needs Linux.
//
// The journals have a static key and nothing more, or a key that steps every few
// lines, checkpoints, and erasures; key rotate, erase and checkpoint are tortured as
// append is. Each checkpoint that could be read before a process died is kept
// elsewhere, and must hold for ever.
//
// What counts as proof is read with nothing but encoding/json, and not with the code
// under test: each receipt that was printed is looked up in the files, by id and by
// sequence number. After each fault the journal must go on, and `auditchain verify`
// must not call it tampered or truncated.
//
// A fault that was not really met is never counted: strace's own record of the run
// says which call it hit.
//
// The exit code is 0 only when nothing was lost, nothing stands twice and every
// verdict is good; 1 otherwise; 2 when it could not run. The results go to standard
// output, progress and the details of what is bad to standard error.
package main
