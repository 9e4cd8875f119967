// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Agent-session is a small program that leaves an audit trail: the session of an AI
// agent that was given cloud credentials to run a command. It sends its events to an
// OpenTelemetry Collector over OTLP/gRPC and ends with exit code 0 only if the
// Collector has acknowledged every one of them.
//
//	make run &
//	AWS_SECRET_ACCESS_KEY=… go run ./examples/agent-session -- deploy --password hunter2
//
// What it emits is what it was given, secrets included: they are masked by the
// Collector (processor audit_redaction), before anything is written or forwarded.
// To mask them inside of the program, put processor/redactlog around the processor
// that is built in newProvider.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/processor/synclog"
)

// handedOver are the environment variables that the agent hands to its command.
var handedOver = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "GITHUB_TOKEN", "DEPLOY_AUTHORIZATION",
}

func main() {
	endpoint := flag.String("endpoint", "127.0.0.1:4317", "address of the Collector (OTLP/gRPC)")
	timeout := flag.Duration("timeout", 30*time.Second, "how long to wait for all acknowledgements")
	flag.Parse()
	command := flag.Args()
	if len(command) == 0 {
		command = []string{"terraform", "apply", "-auto-approve"}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	if err := run(ctx, *endpoint, command); err != nil {
		fmt.Fprintln(os.Stderr, "agent-session:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, endpoint string, command []string) (err error) {
	provider, err := newProvider(ctx, endpoint)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, provider.Shutdown(context.WithoutCancel(ctx))) }()

	logger, err := audit.NewLogger(provider, audit.WithScope("github.com/auditchain/auditchain/examples/agent-session", ""))
	if err != nil {
		return err
	}
	session, err := audit.NewSession(
		audit.WithRole("arn:aws:iam::123456789012:role/agent-deploy"),
		audit.WithTTL(15*time.Minute),
		audit.WithBudget(10),
		audit.WithAllowedActions("s3:CreateBucket", "s3:Put*", "lambda:UpdateFunctionCode"),
		audit.WithCommand(command...),
		audit.WithAgentID("example-agent"),
	)
	if err != nil {
		return err
	}
	return tellSession(ctx, logger.Session(session))
}

// tellSession emits what happens in the session, and prints the id of each record
// once the Collector has acknowledged it.
func tellSession(ctx context.Context, log *audit.SessionLogger) error {
	session := log.Session()
	fmt.Println("session", session.ID())
	exitCode := int32(0)
	events := []audit.Event{
		session.Created(),
		session.CredentialsIssued(os.Getenv("AWS_ACCESS_KEY_ID"), session.Started().Add(session.TTL())),
		// An event type of one's own, with a structured value.
		audit.Custom{Type: "command_started", Fields: []attribute.KeyValue{
			attribute.StringSlice("argv", session.Command()),
			attribute.Map("environment", environment()...),
		}},
		session.ResourceCreated("s3", "bucket", "agent-artifacts-7f3a"),
		session.BudgetWarning(8.5),
		session.Ended(audit.SessionCompleted, &exitCode),
	}
	for _, event := range events {
		receipt, err := log.Emit(ctx, event)
		if err != nil {
			// An audit event without an acknowledgement is a failure of the
			// program, not a line in some log.
			return fmt.Errorf("%s was not acknowledged: %w", event.EventType(), err)
		}
		fmt.Println(receipt.Status, receipt.RecordID, event.EventType())
	}
	return nil
}

// newProvider builds the OpenTelemetry side: one exporter behind a processor that
// reports back to the caller of Emit. A batch processor would return before anything
// is sent, and drop records when its queue is full.
func newProvider(ctx context.Context, endpoint string) (*sdklog.LoggerProvider, error) {
	exporter, err := otlploggrpc.New(ctx, otlploggrpc.WithEndpoint(endpoint), otlploggrpc.WithInsecure())
	if err != nil {
		return nil, err
	}
	return sdklog.NewLoggerProvider(
		sdklog.WithProcessor(synclog.New(exporter)),
		sdklog.WithResource(resource.NewSchemaless(attribute.String("service.name", "agent-session"))),
		// No limits: what they cut is lost without an error, and environment
		// variables can set them too.
		sdklog.WithAttributeCountLimit(-1),
		sdklog.WithAttributeValueLengthLimit(-1),
		sdklog.WithAttributeValueDepthLimit(-1),
	), nil
}

// environment is what of the environment the command gets to see.
func environment() []attribute.KeyValue {
	var vars []attribute.KeyValue
	for _, name := range handedOver {
		if value, ok := os.LookupEnv(name); ok {
			vars = append(vars, attribute.String(name, value))
		}
	}
	return vars
}
