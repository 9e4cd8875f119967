// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/auditchainexporter"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// A Collector does this with what its configuration says.
func ExampleNewFactory() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "auditchainexporter-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	key, err := integrity.GenerateKey() // `auditchain key new audit.key`
	if err == nil {
		err = keyfile.Create(filepath.Join(dir, "audit.key"), key)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	path := filepath.Join(dir, "audit.jsonl")

	factory := auditchainexporter.NewFactory()
	cfg := factory.CreateDefaultConfig()
	if err := confmap.NewFromStringMap(map[string]any{
		"path": path,
		"key":  map[string]any{"file": filepath.Join(dir, "audit.key")},
	}).Unmarshal(cfg); err != nil {
		fmt.Println(err)
		return
	}
	e, err := factory.CreateLogs(ctx, exportertest.NewNopSettings(factory.Type()), cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := e.Start(ctx, componenttest.NewNopHost()); err != nil {
		fmt.Println(err)
		return
	}
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("session created")
	if err := e.ConsumeLogs(ctx, ld); err != nil { // nil: it is on disk
		fmt.Println(err)
	}
	if err := e.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}

	report, err := journal.Verify(ctx, path, key, journal.VerifyOptions{}) // `auditchain verify`
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Verdict)
	// Output: verified
}
