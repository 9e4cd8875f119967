// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// The record that every row is measured on: an agent's call to a cloud API,
// with 8 attributes, a nested body and 4 resource attributes. Its size is
// part of the benchmark's definition, so checkSize refuses to measure another.
const (
	wantProtoBytes = 658
	wantJSONBytes  = 1311 // 1.28 KiB of OTLP/JSON
	sizeTolerance  = 0.03
)

// secretEvery says how many records of the dirty kind share one secret.
const secretEvery = 10

// pool is a fixed set of different records and the batches made of them.
// Records differ (ids, actors, objects, addresses), so that nothing gains by
// remembering the last one.
type pool struct {
	batches []plog.Logs
	// markers[i] is a text that stands in one record of batch i and nowhere else.
	markers []string
	// secrets are the planted ones; secretsIn[i] counts those of batch i.
	secrets   []string
	secretsIn []int
	size      int // records a batch
}

// newPool makes n records in batches of size, the same ones for the same
// arguments. With dirty, every tenth record holds one secret.
func newPool(n, size int, dirty bool) *pool {
	p := &pool{size: size}
	rnd := rand.New(rand.NewPCG(1, 2))
	for first := 0; first < n; first += size {
		ld := plog.NewLogs()
		rl := ld.ResourceLogs().AppendEmpty()
		fillResource(rl.Resource().Attributes())
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName("example.com/agent/audit")
		recs := sl.LogRecords()
		recs.EnsureCapacity(size)
		planted := 0
		for i := range size {
			lr := recs.AppendEmpty()
			marker := fillRecord(lr, rnd, first+i)
			if i == 0 {
				p.markers = append(p.markers, marker)
			}
			if dirty && (first+i)%secretEvery == 0 {
				p.secrets = append(p.secrets, plant(lr, rnd, (first+i)/secretEvery))
				planted++
			}
		}
		p.batches = append(p.batches, ld)
		p.secretsIn = append(p.secretsIn, planted)
	}
	return p
}

func fillResource(m pcommon.Map) {
	m.PutStr("service.name", "deploy-agent")
	m.PutStr("service.version", "2.4.1")
	m.PutStr("host.name", "build-07.prod.example")
	m.PutStr("deployment.environment", "production")
}

var (
	actors  = []string{"alice@corp.example", "bjorn@corp.example", "carol@corp.example", "devon@corp.example", "erika@corp.example"}
	actions = []string{"s3:PutObject", "s3:GetObject", "sqs:SendMessage", "iam:PassRole", "ecs:RunTask"}
	agents  = []string{"planner-3", "builder-1", "release-2", "migrate-7"}
	tables  = []string{"invoices", "builds", "releases", "manifests"}
)

func pick(rnd *rand.Rand, from []string) string { return from[rnd.IntN(len(from))] }

// fillRecord writes record n and returns the text that only it holds.
func fillRecord(lr plog.LogRecord, rnd *rand.Rand, n int) string {
	at := time.Date(2026, 11, 23, 10, 15, 0, n*1000, time.UTC)
	lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
	lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(at.Add(37 * time.Microsecond)))
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	lr.SetEventName("audit.api_call")

	session, request := randomUUID(rnd), randomUUID(rnd)
	a := lr.Attributes()
	a.EnsureCapacity(9)
	a.PutStr("session.id", session.String())
	a.PutStr("cloud.provider", "aws")
	a.PutStr("gen_ai.agent.id", pick(rnd, agents))
	a.PutStr("audit.actor.id", pick(rnd, actors))
	a.PutStr("audit.action", pick(rnd, actions))
	a.PutStr("audit.outcome", "success")
	a.PutStr("audit.target.id", fmt.Sprintf("arn:aws:s3:::%s/%06d", pick(rnd, tables), rnd.IntN(1_000_000)))
	a.PutInt("audit.event.ms", int64(100+rnd.IntN(900)))

	b := lr.Body().SetEmptyMap()
	req := b.PutEmptyMap("request")
	req.EnsureCapacity(2)
	req.PutStr("id", request.String())
	req.PutStr("user_agent", fmt.Sprintf("aws-sdk-go-v2/1.32.6 os/linux lang/go from 10.%03d.%03d.%03d",
		100+rnd.IntN(100), 100+rnd.IntN(100), 100+rnd.IntN(100)))
	return request.String()
}

// plant replaces the user agent of a record with a text that holds a secret
// of a kind that all sides know, and returns the secret.
func plant(lr plog.LogRecord, rnd *rand.Rand, n int) string {
	var secret, text string
	switch n % 3 {
	case 0:
		secret = "AKIA" + randomText(rnd, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
		text = "curl/8.5 id=" + secret
	case 1:
		secret = "ghp_" + randomText(rnd, 36, alphanumeric)
		text = "git/2.43 with " + secret
	default:
		secret = "glpat-" + randomText(rnd, 20, alphanumeric)
		text = "glab/1.40 with " + secret
	}
	req, _ := lr.Body().Map().Get("request")
	req.Map().PutStr("user_agent", text)
	return secret
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func randomText(rnd *rand.Rand, n int, set string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[rnd.IntN(len(set))]
	}
	return string(b)
}

func randomUUID(rnd *rand.Rand) uuid.UUID {
	var u uuid.UUID
	for i := range u {
		u[i] = byte(rnd.Uint32())
	}
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// clones returns fresh copies of all batches, for sides that change what they
// are given. With ids, each record gets an audit.record.id never used before,
// numbered from *next, as our SDK side gives it.
func (p *pool) clones(ids bool, next *uint64) []plog.Logs {
	out := make([]plog.Logs, len(p.batches))
	for i, ld := range p.batches {
		c := plog.NewLogs()
		ld.CopyTo(c)
		if ids {
			setIDs(c, next)
		}
		out[i] = c
	}
	return out
}

func setIDs(ld plog.Logs, next *uint64) {
	recs := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	for j := range recs.Len() {
		*next++
		recs.At(j).Attributes().PutStr("audit.record.id", recordID(*next))
	}
}

// recordID is a UUIDv7 that counts: n takes the place of its random bits.
func recordID(n uint64) string {
	var u uuid.UUID
	const ms = 1_795_400_000_000
	at := uint64(ms) + n/1000
	for i := range 6 {
		u[i] = byte(at >> (40 - 8*i))
	}
	for i := range 8 {
		u[8+i] = byte(n >> (56 - 8*i))
	}
	u[6] = 0x70
	u[8] = 0x80
	return u.String()
}

// sizes are the mean sizes of one record in a message of its own.
func sizes(n int) (proto, json int, err error) {
	p := newPool(n, 1, false)
	pm, jm := plog.ProtoMarshaler{}, plog.JSONMarshaler{}
	for _, ld := range p.batches {
		pb, err := pm.MarshalLogs(ld)
		if err != nil {
			return 0, 0, err
		}
		js, err := jm.MarshalLogs(ld)
		if err != nil {
			return 0, 0, err
		}
		proto += len(pb)
		json += len(js)
	}
	return proto / n, json / n, nil
}

// checkSize fails when the record is not the one that the benchmark defines.
func checkSize() (proto, json int, err error) {
	proto, json, err = sizes(1000)
	if err != nil {
		return 0, 0, err
	}
	if !near(proto, wantProtoBytes) || !near(json, wantJSONBytes) {
		return 0, 0, fmt.Errorf("a record takes %d bytes of protobuf and %d of JSON, not about %d and %d: restore fillRecord",
			proto, json, wantProtoBytes, wantJSONBytes)
	}
	return proto, json, nil
}

func near(got, want int) bool {
	d := float64(got-want) / float64(want)
	return d >= -sizeTolerance && d <= sizeTolerance
}

// hexKey is a key as it stands in a key file.
func hexKey(key []byte) string { return hex.EncodeToString(key) + "\n" }
