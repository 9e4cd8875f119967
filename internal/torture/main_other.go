// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "torture: it makes system calls fail with strace, and needs Linux")
	os.Exit(2)
}
