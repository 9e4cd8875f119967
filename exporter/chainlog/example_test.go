// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/chainlog"
	"github.com/auditchain/auditchain/processor/synclog"
)

func Example() {
	defer inNewFolder()() // with audit.key in it, as `auditchain key new audit.key` makes it
	ctx := context.Background()

	exporter, err := chainlog.New("audit.jsonl", chainlog.WithKeyFile("audit.key"))
	if err != nil {
		log.Fatal(err)
	}
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(synclog.New(exporter)),
		sdklog.WithAttributeCountLimit(-1), // nothing may be cut
		sdklog.WithAttributeValueLengthLimit(-1),
		sdklog.WithAttributeValueDepthLimit(-1),
	)
	defer provider.Shutdown(ctx)
	logger, err := audit.NewLogger(provider)
	if err != nil {
		log.Fatal(err)
	}

	session, err := audit.NewSession(
		audit.WithRole("arn:aws:iam::123456789012:role/deploy"),
		audit.WithTTL(15*time.Minute),
		audit.WithCommand("mysql", "--password", "hunter2", "app"), // the password is masked
	)
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := logger.Emit(ctx, session, session.Created())
	if err != nil {
		log.Fatal(err) // not recorded: do not go on
	}
	fmt.Printf("%s, line %d of the chain\n", receipt.Status, receipt.Seq)
	// Output: durable, line 3 of the chain
}

// A new file every day or every 256 MiB, finished ones compressed, and all of
// them kept.
func ExampleWithRotation() {
	defer inNewFolder()()

	exporter, err := chainlog.New("audit.jsonl", chainlog.WithKeyFile("audit.key"),
		chainlog.WithRotation(journal.Rotation{MaxSize: 256 << 20, MaxAge: 24 * time.Hour, Compress: true}),
		chainlog.WithReport(func(err error) { log.Print("audit journal: ", err) }), // and raise an alarm
	)
	if err != nil {
		log.Fatal(err)
	}
	defer exporter.Shutdown(context.Background())
	fmt.Println(filepath.Base(exporter.Journal().Path()))
	// Output: audit.jsonl
}

// inNewFolder goes to a new folder with a key in it, until done is called.
func inNewFolder() (done func()) {
	old, err := os.Getwd()
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "chainlog-example-")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Chdir(dir); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("audit.key", []byte("5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n"), 0o600); err != nil {
		log.Fatal(err)
	}
	return func() {
		_ = os.Chdir(old)
		_ = os.RemoveAll(dir)
	}
}
