// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "sync"

// groups is how many groups the windows of a [matcher] are dealt out to.
const groups = 8

// window is what is looked for of a literal at offsets of one parity: a pair of
// bytes and the pair behind it, each in all of its spellings.
type window struct {
	first, second []uint16
	off           int  // where the pair that owns the literal stands in it
	bySecond      bool // that is the second
}

// planner chooses windows and groups so that ordinary text has few false hits.
// It counts them on a sample; what the sample leaves out is estimated from how
// often single pairs stand in it.
type planner struct {
	m *matcher
	*textSample
	firsts, seconds [groups]float32 // how often the halves of a group's windows stand in text
}

// textSample is what is known about ordinary text.
type textSample struct {
	grams    []gram
	byFirst  map[uint16][]int32 // grams by their pairs
	bySecond map[uint16][]int32
	freq     *[1 << 16]float32 // of pairs
	size     float32
}

// gram is two neighbouring pairs of the sample and how often they stand there.
type gram struct {
	first, second uint16
	n             float32
}

var ordinary = sync.OnceValue(func() *textSample {
	s := &textSample{byFirst: map[uint16][]int32{}, bySecond: map[uint16][]int32{}}
	at := map[uint32]int{}
	text := sampleText()
	s.size = float32(len(text))
	s.freq = pairFrequencies(text)
	for i := 0; i+4 <= len(text); i++ {
		g := gram{pairAt(text, i), pairAt(text, i+2), 1}
		key := uint32(g.first) | uint32(g.second)<<16
		if k, seen := at[key]; seen {
			s.grams[k].n++
			continue
		}
		n := int32(len(s.grams))
		at[key] = int(n)
		s.grams = append(s.grams, g)
		s.byFirst[g.first] = append(s.byFirst[g.first], n)
		s.bySecond[g.second] = append(s.bySecond[g.second], n)
	}
	return s
})

func newPlanner(m *matcher) *planner {
	p := &planner{m: m, textSample: ordinary()}
	for pair, t := range &m.pairs {
		if t != 0 {
			p.count(&p.firsts, t, p.freq[pair])
			p.count(&p.seconds, t>>groups, p.freq[pair])
		}
	}
	return p
}

// count adds n to the groups of the mask.
func (p *planner) count(of *[groups]float32, mask uint16, n float32) {
	for g := range of {
		if mask>>g&1 != 0 {
			of[g] += n
		}
	}
}

// enter makes the window known as one of the group.
func (p *planner) enter(w window, group int, c candidate) {
	for _, pair := range w.first {
		p.count(&p.firsts, ^p.m.pairs[pair]&(1<<group), p.freq[pair])
	}
	for _, pair := range w.second {
		p.count(&p.seconds, ^p.m.pairs[pair]>>groups&(1<<group), p.freq[pair])
	}
	p.m.enter(w, group, c)
}

// plan is the window of l, for offsets of the text that have this parity, and
// the group that cost least.
func (p *planner) plan(l *literal, parity int) (best window, group int) {
	bestCost := float32(0)
	for n, w := range l.windows(parity) {
		if cost, g := p.best(w); n == 0 || cost < bestCost {
			best, group, bestCost = w, g, cost
		}
	}
	return best, group
}

// windows are the windows of l at offsets of this parity.
func (l *literal) windows(parity int) []window {
	var out []window
	pair := func(o int) []uint16 { return casings(l.text[o:o+2], l.fold) }
	for o := parity; o+4 <= len(l.text); o += 2 {
		out = append(out, window{first: pair(o), second: pair(o + 2), off: o})
	}
	if parity == 1 && len(l.text) == 4 {
		out = append(out, window{first: pair(1), second: l.anyBehind(3), off: 1})
	}
	switch {
	case len(out) > 0 && len(l.text) > 4:
	case parity == 1:
		out = append(out, window{first: l.anyBefore(0), second: pair(1), off: 1, bySecond: true})
	case len(l.text) == 3:
		out = append(out, window{first: pair(0), second: l.anyBehind(2), off: 0})
	}
	return out
}

// anyBehind is the byte at o with any behind it.
func (l *literal) anyBehind(o int) []uint16 {
	var out []uint16
	for x := range 256 {
		out = append(out, pairOf(l.text[o], byte(x)))
		if l.fold && in(l.text[o], setLower) {
			out = append(out, pairOf(l.text[o]-0x20, byte(x)))
		}
	}
	return out
}

// anyBefore is the byte at o with any before it.
func (l *literal) anyBefore(o int) []uint16 {
	var out []uint16
	for x := range 256 {
		out = append(out, pairOf(byte(x), l.text[o]))
		if l.fold && in(l.text[o], setLower) {
			out = append(out, pairOf(byte(x), l.text[o]-0x20))
		}
	}
	return out
}

// unseen is the weight of what is estimated beside what is counted.
const unseen = 0.8

// walked is what it costs to compare one literal more where others are compared
// anyway.
const walked = 0.3

// best is the group in which the window costs least, and what it costs there.
func (p *planner) best(w window) (cost float32, group int) {
	var hits [groups]float32
	var first, second [groups]float32 // the halves that are new to a group
	both := float32(0)
	for _, a := range w.first {
		fresh := ^p.m.pairs[a] & 0xff
		p.count(&first, fresh, p.freq[a])
		for _, k := range p.byFirst[a] {
			g := &p.grams[k]
			if uint8(p.m.pairs[a]&(p.m.pairs[g.second]>>groups)) != 0 {
				both += walked * g.n // a hit already
				continue
			}
			p.count(&hits, fresh&(p.m.pairs[g.second]>>groups), g.n)
			for _, b := range w.second {
				if b == g.second {
					both += g.n
				}
			}
		}
	}
	for _, b := range w.second {
		fresh := ^p.m.pairs[b] >> groups
		p.count(&second, fresh, p.freq[b])
		for _, k := range p.bySecond[b] {
			g := &p.grams[k]
			if uint8(p.m.pairs[g.first]&(p.m.pairs[b]>>groups)) == 0 {
				p.count(&hits, fresh&p.m.pairs[g.first], g.n)
			}
		}
	}
	for g := range groups {
		c := hits[g] + both + unseen*(first[g]*p.seconds[g]+second[g]*p.firsts[g]+first[g]*second[g])/p.size
		if g == 0 || c < cost {
			cost, group = c, g
		}
	}
	return cost, group
}

// ordinaryText is what the values of audit records are like. It only serves
// to tell common pairs of bytes from rare ones; what it leaves out is
// estimated from single bytes.
const ordinaryText = `user admin attached the policy to a group after the change request was approved by the
operator; session started for service account in region eu-west-1, us-east-1, europe-north2 with mfa, expires at
2026-03-14T15:09:26.535897Z and 2025-12-31 23:59:59, status code 200 in 31 ms, outcome success failure denied error.
https://console.example.com/api/v1/projects/20451877/users?from=2025-01-01&page=12&limit=50&sort=desc&active=true
kubectl get pods --namespace production --selector app=web -o json | grep -v Running; git commit --message "fix the build"
docker run --rm -it -v /srv/data:/var/lib/data registry.example.com/team/image:1.27.3 /bin/sh -c 'exec server --port 8080'
/usr/local/bin/python3 /opt/app/scripts/report.py --output /tmp/report-1234567.csv --verbose; systemctl restart nginx.service
arn:aws:iam::210987654321:role/reader arn:aws:s3:::bucket-name/path/to/object.tar.gz ec2.amazonaws.com s3:GetObject iam:ListUsers
018f3e2a-9b7c-7d41-8a65-0c1b2d3e4f50 7c9e6679-7425-40de-944b-e07fc1f90ae7 3f8a90c1b2d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6
sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 10.20.30.40:5432 192.168.1.15 host-07.internal.example
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 application/json
{"name":"web","replicas":3,"enabled":true,"labels":{"tier":"frontend","version":"2.4.1"},"resources":["read","write","delete"]}
process.exec config.update object.create role.assume network.connect account.delete permission.granted resource.modified
select id, name, created_at from orders where status = 'open' and total > 100 order by created_at limit 20
Deployed version 3.12.4 to the staging cluster; rollback was skipped because health checks passed after 45 seconds (attempt 2 of 5).
The user logged in from a new device, changed the notification settings and left. Nothing else happened during this period.
Connection from 172.16.4.21 port 51842 closed by remote host; retrying in 30s, reason: timeout while waiting for response headers.
Customer invoice 88213 exported by finance analyst, reviewed by manager, archived. Maintenance window opened, incident resolved.
{\"event\":\"config.change\",\"actor\":{\"id\":\"svc-backup\",\"type\":\"service\"},\"before\":{\"retention\":30,\"enabled\":false},\"after\":{\"retention\":90}}
{"time":"2026-11-02T08:15:30Z","level":"warn","msg":"slow query","duration_ms":1843,"database":"orders","rows":1200,"client":"10.1.2.3"}
{"verb":"patch","objectRef":{"resource":"deployments","apiGroup":"apps","apiVersion":"v1"},"stage":"ResponseComplete","annotations":{}}
bash -c "find /home/alice/projects -name '*.log' -mtime +7 -delete && df -h | sort -k5 | head -20" ; tail -f /var/log/syslog
ssh -o StrictHostKeyChecking=no deploy@web-01.prod.internal "sudo systemctl reload haproxy"; rsync -avz --exclude node_modules ./dist/
terraform plan -out=tfplan -var environment=prod -var-file=prod.tfvars; helm upgrade --install gateway ./charts/gateway --wait --atomic
ansible-playbook site.yml -i inventory/hosts --limit webservers --check --diff; make test lint build; npm run lint; go test ./... ; cargo build
psql -d analytics -c "UPDATE accounts SET balance = balance - 50, updated_at = now() WHERE id = 7731"; vacuum analyze; INSERT INTO events VALUES
CREATE TABLE IF NOT EXISTS sessions (id uuid PRIMARY KEY, started timestamptz NOT NULL, ended timestamptz); ALTER ROLE reporting NOLOGIN; DROP VIEW
GET /healthz HTTP/1.1 200 2 "-" "kube-probe/1.31"; POST /oauth/authorize 302; PUT /api/v2/widgets/55120/labels 204; DELETE /v1/items/9 404
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Gecko/20100101 Firefox/131.0; curl/8.5.0; python-requests/2.32.3; okhttp/4.12.0; Go-http-client/2.0
storage.objects.list compute.instances.setMetadata google.iam.admin.v1 projects/acme-prod-4411/zones/europe-west4-a/instances/worker-12
Microsoft.Compute/virtualMachines/write /subscriptions/resourceGroups/rg-shared/providers/Microsoft.Storage/storageAccounts/lists
AssumeRoleWithWebIdentity DescribeInstances CreateLogStream PutBucketPolicy ConsoleLogin RunInstances DeleteSecurityGroup AttachUserPolicy ListBuckets
CN=Jane Miller,OU=Engineering,O=Example Corp,C=US; uid=1001(bob) gid=1001(bob) groups=27(sudo); HOME=/home/bob SHELL=/bin/bash LANG=en_US.UTF-8
C:\Program Files\Vendor\Agent\agent.exe -service -config C:\ProgramData\Vendor\config.json; HKLM\Software\Policies\Update; \\fileserver\share\reports
TicketID OPS-4711, PROJ-208; order #55-1029; build 20261103.4; commit 4be1f6c on branch feature/new-dashboard; tag v2.0.0-rc.1; PR 1287 merged
eth0: link up 1000Mbps full duplex; mem=16384MB cpu=8 load=0.42,0.37,0.31 disk=/dev/nvme0n1p2 used=71% inode=12% swap=0B fd=1024/65536 pid=28817`

// sampleText is ordinary text with ids between, which have digits of every kind.
func sampleText() string {
	text := []byte(ordinaryText)
	for n, x := 0, uint64(1); n < 40; n++ {
		text = append(text, ' ')
		for i := range 36 {
			x = x*6364136223846793005 + 1442695040888963407
			switch {
			case n%2 == 0 && (i == 8 || i == 13 || i == 18 || i == 23):
				text = append(text, '-')
			default:
				text = append(text, "0123456789abcdef"[x>>60])
			}
		}
	}
	return string(text)
}

// pairFrequencies estimates how often pairs of bytes stand in ordinary text.
func pairFrequencies(text string) *[1 << 16]float32 {
	freq := new([1 << 16]float32)
	var single [256]float32
	n := float32(len(text))
	for i := 0; i < len(text); i++ {
		single[text[i]]++
		if i > 0 {
			freq[uint16(text[i-1])|uint16(text[i])<<8]++
		}
	}
	for p := range freq {
		freq[p] += 0.5*single[p&0xff]*single[p>>8]/n + 0.01
	}
	return freq
}

// casings are the byte pairs, as little-endian words, that the pair matches.
func casings(pair string, folded bool) []uint16 {
	var out []uint16
	for v := 0; v < 4; v++ {
		a, b := pair[0], pair[1]
		if v&1 != 0 {
			if !folded || !in(a, setLower) {
				continue
			}
			a -= 0x20
		}
		if v&2 != 0 {
			if !folded || !in(b, setLower) {
				continue
			}
			b -= 0x20
		}
		out = append(out, uint16(a)|uint16(b)<<8)
	}
	return out
}
