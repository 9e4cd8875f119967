// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "testing"

// A field is a key and a value of the benchmark record.
type field struct{ key, value string }

// A record is what a processor walks: attributes, a nested body, a resource.
type record struct {
	attrs    []field
	body     []field
	nested   []field // under body's "request"
	resource []field
}

var cleanRecord = record{
	attrs: []field{
		{"audit.record.id", "01932c07-6f3e-7c3a-9d0b-2f5a8c1e4b77"},
		{"audit.actor.id", "arn:aws:sts::123456789012:assumed-role/deployer/svc-deploy@build-07.corp.example"},
		{"audit.actor.type", "service"},
		{"audit.action", "process.exec"},
		{"audit.outcome", "success"},
		{"session.id", "4f1c2d3e-5a6b-4c7d-8e9f-0a1b2c3d4e5f"},
		{"process.command_line", "aws s3 cp s3://prod-artifacts/releases/484/app.tar.gz /opt/app/ --region eu-west-1 --profile deploy --only-show-errors --no-progress --metadata build=484,commit=36bc0b2c7451,branch=release-2026-11"},
		{"url.full", "https://api.corp.example/v2/accounts/41361155/statements?from=2026-01-01&to=2026-10-31&page=51&limit=100&sort=desc&currency=EUR&include=fees,notes"},
	},
	body: []field{
		{"message", "policy AuditReadOnly attached to group platform-admins by change request CHG1556648"},
		{"resource", "arn:aws:iam::123456789012:role/deployer"},
		{"ticket", "SEC-1234"},
	},
	nested: []field{
		{"method", "POST"},
		{"path", "/v2/accounts/41361155/statements"},
		{"user_agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0"},
		{"request_id", "5f1bdd7b-e41f-4ae3-aaf0-dc330c8bcead"},
	},
	resource: []field{
		{"service.name", "deploy-controller.platform-engineering"},
		{"service.version", "1.42.0"},
		{"host.name", "k8s-node-3.eu-west-1.prod.corp.example"},
		{"k8s.pod.name", "deploy-controller-7d9f8c6b54-x2x9q"},
	},
}

func dirtyRecord() record {
	r := cleanRecord
	r.attrs = append([]field(nil), r.attrs...)
	r.attrs[6].value = "mysql -h db-1 -u root --password=correct-horse-9 -e 'show tables' && AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE aws s3 ls"
	r.attrs[7].value = "https://deploy:s3cr3tpw@artifacts.corp.example/repo/x.jar?token=ghp_0123456789abcdefghijABCDEFGHIJ012345"
	return r
}

// walk does what a processor does with a record, and counts the bytes.
func (r *record) walk(s *Scanner) (n, changed int) {
	fields := func(p Place, fs []field) {
		for i := range fs {
			f := &fs[i]
			_, c, q := s.Name(p, f.key)
			if c {
				changed++
			}
			if _, c := s.Text(q, f.value); c {
				changed++
			}
			n += len(f.value)
		}
	}
	fields(s.Root(), r.attrs)
	body := s.Field(s.Root(), "body")
	fields(body, r.body)
	fields(s.Field(body, "request"), r.nested)
	fields(s.Root(), r.resource)
	if len(s.Counts()) != 0 {
		changed++
	}
	s.Reset()
	return n, changed
}

func BenchmarkCleanRecord(b *testing.B) {
	s := newScanner(b, Config{})
	r := cleanRecord
	n, changed := r.walk(s)
	if changed != 0 {
		b.Fatalf("%d values of the clean record changed", changed)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		r.walk(s)
	}
}

func BenchmarkDirtyRecord(b *testing.B) {
	s := newScanner(b, Config{FingerprintKey: testKey})
	r := dirtyRecord()
	n, changed := r.walk(s)
	if changed == 0 {
		b.Fatal("the dirty record did not change")
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		r.walk(s)
	}
}

// BenchmarkCleanText is the pass over one long clean value.
func BenchmarkCleanText(b *testing.B) {
	s := newScanner(b, Config{})
	var v string
	for _, f := range cleanRecord.attrs {
		v += f.value + " "
	}
	if out, changed := s.Text(s.Root(), v); changed {
		b.Fatalf("clean text changed: %s", out)
	}
	b.SetBytes(int64(len(v)))
	b.ReportAllocs()
	for b.Loop() {
		s.Text(s.Root(), v)
	}
}

// BenchmarkCleanJSON is a clean record as one JSON text.
func BenchmarkCleanJSON(b *testing.B) {
	s := newScanner(b, Config{})
	line := corpus(b, "clean", 1)[0].Line
	dst, form := s.JSON(nil, s.Root(), line)
	if form != StrictJSON || string(dst) != line {
		b.Fatalf("clean JSON changed: %s", dst)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = s.JSON(dst[:0], s.Root(), line)
	}
}
