// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package harness

import "syscall"

// processAttributes gives a child a process group of its own, so that Ctrl-C reaches
// only the program that started it, which then stops its children in order.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
