// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/chainlog"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/processor/synclog"
)

// siemExporter stands for an OTLP exporter to a place off this host. It prints
// what checkpoints say.
type siemExporter struct{}

func (siemExporter) Export(_ context.Context, records []sdklog.Record) error {
	for _, r := range records {
		note := r.Body().AsString()
		origin, rest, _ := strings.Cut(note, "\n")
		size, _, _ := strings.Cut(rest, "\n")
		fmt.Printf("%s: %s lines of %s…\n", r.EventName(), size, origin[:len("auditchain/")])
	}
	return nil
}
func (siemExporter) Shutdown(context.Context) error   { return nil }
func (siemExporter) ForceFlush(context.Context) error { return nil }

// A copy of the head of the chain leaves the host with every checkpoint, the
// last one too, because the provider for them is shut down last.
func ExampleWithCheckpointLogger() {
	defer inNewFolder()()
	ctx := context.Background()
	// `auditchain key new` makes audit.key.checkpoint beside audit.key.
	signer, err := integrity.GenerateSigningKey(integrity.KindCheckpoint)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("audit.key.checkpoint", signer.Text(), 0o600); err != nil {
		log.Fatal(err)
	}

	siem := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(siemExporter{})))
	defer siem.Shutdown(ctx)
	exporter, err := chainlog.New("audit.jsonl", chainlog.WithKeyFile("audit.key"),
		chainlog.WithCheckpoints(journal.Checkpoint{Every: time.Minute}),
		chainlog.WithCheckpointLogger(siem),
	)
	if err != nil {
		log.Fatal(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(synclog.New(exporter)))
	logger, err := audit.NewLogger(provider)
	if err != nil {
		log.Fatal(err)
	}
	session, err := audit.NewSession(audit.WithRole("arn:aws:iam::123456789012:role/deploy"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := logger.Emit(ctx, session, session.Created()); err != nil {
		log.Fatal(err)
	}
	if err := provider.Shutdown(ctx); err != nil { // seals chain.closed, and a checkpoint of all
		log.Fatal(err)
	}
	// Output: audit.checkpoint: 4 lines of auditchain/…
}

// The time that a checkpoint existed at, by somebody else's word.
func ExampleWithTimestamps() {
	defer inNewFolder()()

	_, err := chainlog.New("audit.jsonl", chainlog.WithKeyFile("audit.key"),
		chainlog.WithTimestamps("https://tsa.example/tsr", nil))
	fmt.Println(err) // there is no audit.key.checkpoint here
	// Output: chainlog: WithTimestamps: there is no key to sign checkpoints with; name it with WithCheckpointKeyFile, or make one beside the key file
}
