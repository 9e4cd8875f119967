// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package harness starts the real programs that an audit event passes through (the
// Collector, a log backend, the command-line tool) on free loopback ports and in
// folders of the caller, and waits for what the caller wants to see of them. The
// demo and the end-to-end tests share it:
//
//	bin, err := harness.FindBinaries()
//	logs, err := harness.StartVictoriaLogs(ctx, bin, dir)
//	col, err := harness.StartCollector(ctx, bin, harness.CollectorOptions{Data: dir, Backend: logs.InsertURL()})
//	…
//	err = harness.Until(ctx, "40 records at the backend", func(ctx context.Context) (bool, string, error) { … })
//
// Guaranteed: a started process is ready to use when the call returns; it ends with
// Stop or Kill, and on Linux also when the program that started it dies; every wait
// is bounded by its context, and its error says what was last seen. Nothing waits for
// a fixed time. Not guaranteed: that a free port is still free when its program binds
// it; such a start fails and says so.
package harness
