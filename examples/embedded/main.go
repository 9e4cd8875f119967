// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Embedded seals an audit event into a local journal and prints its receipt.
// First make a key: auditchain key new audit.key
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/exporter/chainlog"
	"github.com/auditchain/auditchain/processor/synclog"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

func main() {
	ctx := context.Background()
	exporter, err := chainlog.New("audit.jsonl", chainlog.WithKeyFile("audit.key"))
	check(err)
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(synclog.New(exporter)),
		sdklog.WithAttributeCountLimit(-1), // nothing may be cut
		sdklog.WithAttributeValueLengthLimit(-1),
		sdklog.WithAttributeValueDepthLimit(-1))
	logger, err := audit.NewLogger(provider)
	check(err)

	session, err := audit.NewSession(audit.WithAgentID("agent-7"),
		audit.WithCommand("mysql", "--password", "hunter2", "app")) // masked
	check(err)
	receipt, err := logger.Emit(ctx, session, session.Created())
	check(err) // not recorded: do not go on
	fmt.Printf("%s: seq %d of chain %s, %x\n", receipt.Status, receipt.Seq, receipt.Chain, receipt.Hash)
	check(provider.Shutdown(ctx))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
