// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"testing"
)

func masked(p Policy) PII { return PII{Email: p, PaymentCard: p, IBAN: p, Phone: p, IP: p} }

// The numbers of cards and accounts below are those that are published for
// tests; the addresses are reserved for documentation.
func TestPersonalText(t *testing.T) {
	s := newScanner(t, Config{PII: masked(PolicyMask)})
	short := strings.NewReplacer("[REDACTED:email]", "<E>", "[REDACTED:payment-card]", "<C>", "[REDACTED:iban]", "<B>",
		"[REDACTED:phone-number]", "<P>", "[REDACTED:ip-address]", "<I>", "[REDACTED:url-password]", "<U>", "[REDACTED:password]", "<W>")
	for _, c := range []struct{ in, want string }{
		// E-mail.
		{"bob@example.com", "<E>"},
		{"mail from Bob.O'Brien+x_1@Mail-1.Example.co.uk, to: <ann@example.org>.", "mail from <E>, to: <<E>>."},
		{"mailto:bob@example.com?subject=x", "mailto:<E>?subject=x"},
		{"user%40example.com and %22ann%40example.org%22", "<E> and %22<E>%22"},
		{"user%2540example.com", "<E>"},
		{`{\"mail\":\"bob@example.com\",\n`, `{\"mail\":\"<E>\",\n`},
		{`x\nbob@example.com\tann\u0040example.org`, `x\n<E>\t<E>`},
		{"to=bob@example.com&cc=ann@example.org", "to=<E>&cc=<E>"},
		{"müller@bücher.example", "<E>"},
		{"连接bob@example.com失败", "连接<E>失败"},
		{"bob@example.com:/inbox", "bob@example.com:/inbox"}, // as scp writes it
		{"bob@example.com: no such user", "<E>: no such user"},
		{"bob@example.com-old bob@example.com.2", "<E>-old <E>.2"},
		{"'bob@example.com'", "'<E>'"},
		{"@bob@example.social", "@<E>"},
		{"arn:aws:sts::123456789012:assumed-role/dev/bob@example.com", "arn:aws:sts::123456789012:assumed-role/dev/<E>"},
		// Hosts with a user, and what looks like an address.
		{"https://bob@example.com/x", "https://bob@example.com/x"},
		{"https://a.example,bob@example.com", "https://a.example,<E>"},
		{"see https://a.example/?q=bob@example.com", "see https://a.example/?q=<E>"},
		{"smtp://bob@example.com:secret-4711@mail", "smtp://<E>:<U>@mail"},
		{"smtp://bob@example.com:secret-4711@mail.example.com/x", "smtp://<E>:<U>@mail.example.com/x"},
		{"smtp://bob%40example.com:secret-4711@mail.example.com", "smtp://<E>:<U>@mail.example.com"},
		{"--password bob@example.com", "--password <W>"},
		{"password=hunter-2 user=bob@example.com", "password=<W> user=<E>"},
		{"git@github.com:owner/repo.git deploy@host.example.com:/srv", "git@github.com:owner/repo.git deploy@host.example.com:/srv"},
		{"lodash@4.17.21 x@1.2.3-rc.next getty@tty1.service icon@2x.png a@b user@localhost", "lodash@4.17.21 x@1.2.3-rc.next getty@tty1.service icon@2x.png a@b user@localhost"},
		{"hmac-sha2-256-etm@openssh.com build@prj.iam.gserviceaccount.com", "hmac-sha2-256-etm@openssh.com build@prj.iam.gserviceaccount.com"},
		{"ssh -i ~/.ssh/id -p 22 bob@host.example.com uptime; sudo scp -r a.txt bob@host.example.com:b", "ssh -i ~/.ssh/id -p 22 bob@host.example.com uptime; sudo scp -r a.txt bob@host.example.com:b"},
		{"ssh bob@host.example.com mail ann@example.org; ssh login failed for bob@example.com, scp from bob@example.com", "ssh bob@host.example.com mail <E>; ssh login failed for <E>, scp from <E>"},
		{`["/usr/bin/ssh","-o","User=x","bob@host.example.com","mail","ann@example.org"]`, `["/usr/bin/ssh","-o","User=x","bob@host.example.com","mail","<E>"]`},
		{`[["scp","a","bob@host.example.com:b","ann@host.example.com:c"],["mail","ann@example.org"]]`, `[["scp","a","bob@host.example.com:b","ann@host.example.com:c"],["mail","<E>"]]`},
		{`{"argv":["rsync","a","bob@host.example.com:b"],"to":["ann@example.org"]}`, `{"argv":["rsync","a","bob@host.example.com:b"],"to":["<E>"]}`},
		// Cards.
		{"4111111111111111 5555555555554444 378282246310005 6011111111111117 30569309025904 3530111333300000 2223003122003222", "<C> <C> <C> <C> <C> <C> <C>"},
		{"4111 1111 1111 1111 4111-1111-1111-1111 3782 822463 10005 3056 930902 5904", "<C> <C> <C> <C>"},
		{"4111 1111 1111 1111 123 12/27", "<C> 123 12/27"},
		{"4111%201111%201111%201111 4111+1111+1111+1111", "<C> <C>"},
		{"card=4222222222222, visa 4222222222222", "card=<C>, visa <C>"},
		{`{\"pan\":4111111111111111,`, `{\"pan\":<C>,`},
		{"card_4111111111111111 card-4111111111111111", "card_<C> card-<C>"},
		{"card_id=4111111111111111", "card_id=<C>"},
		{"4111111111111112 1234567890123456 0000000000000000 4111 1111 1111 1112", "4111111111111112 1234567890123456 0000000000000000 4111 1111 1111 1112"},
		{"44111111111111111 41111111111111110 a4111111111111111 4111111111111111f 0.4111111111111111 4111111111111111.5", "44111111111111111 41111111111111110 a4111111111111111 4111111111111111f 0.4111111111111111 4111111111111111.5"},
		{"order_id=4111111111111111 trace_id: 4111111111111111 order no. 4111111111111111 /orders/4111111111111111", "order_id=4111111111111111 trace_id: 4111111111111111 order no. 4111111111111111 /orders/4111111111111111"},
		{"ean 4222222222222 4222222222222 6799990100000000019", "ean 4222222222222 4222222222222 6799990100000000019"},
		{"4f1c2d3e-4111-1111-1111-1111aaaabbbb 4111-1111-1111-1111-2", "4f1c2d3e-4111-1111-1111-1111aaaabbbb 4111-1111-1111-1111-2"},
		// IBAN.
		{"DE89370400440532013000 GB29NWBK60161331926819 NO9386011117947", "<B> <B> <B>"},
		{"to GB29 NWBK 6016 1331 9268 19, DE89 3704 0044 0532 0130 00.", "to <B>, <B>."},
		{"iban:fr1420041010050500013M02606 de89370400440532013000", "iban:<B> <B>"},
		{"IBAN%3DDE89%203704%200044%200532%200130%2000", "IBAN%3D<B>"},
		{"DE88370400440532013000 DE8937040044053201300 XX89370400440532013000 aDE89370400440532013000", "DE88370400440532013000 DE8937040044053201300 XX89370400440532013000 aDE89370400440532013000"},
		// Phones.
		{"+49 30 1234567, +49 (0)30 1234-567; +1 (212) 555-0123 +442079460958 tel:+1-212-555-0123", "<P>, <P>; <P> <P> tel:<P>"},
		{"+1.212.555.0123 ext. 12 said", "<P> said"},
		{"from=%2B4915112345678&to=x", "from=<P>&to=x"},
		{"phone: 030 1234567, Tel. (030) 123-4567; mobile=0151/12345678 fax 212-555-0123", "phone: <P>, Tel. <P>; mobile=<P> fax <P>"},
		{`{"phone_number": "06 12 34 56 78"`, `{"phone_number": "<P>"`},
		{"call me at +4915112345678", "call me at <P>"},
		{"030 1234567 phone", "030 1234567 phone"},
		{"telemetry 12345678 hotel 12345678 cells 12345678 phone 2026-11-24 phone 24.11.2026 phone 10.20.30.40x", "telemetry 12345678 hotel 12345678 cells 12345678 phone 2026-11-24 phone 24.11.2026 phone 10.20.30.40x"},
		{"2026-11-24T15:09:26+0200 UTC+02:00 a+4915112345678 +1234567890 +10000000 offset=+60123456789 m=+39.384575417 phone_id=12345678", "2026-11-24T15:09:26+0200 UTC+02:00 a+4915112345678 +1234567890 +10000000 offset=+60123456789 m=+39.384575417 phone_id=12345678"},
		// Addresses.
		{"from 192.0.2.7:443 to [2001:db8::7]:443, ::ffff:192.0.2.7.", "from <I>:443 to [<I>]:443, <I>."},
		{"fe80::1%eth0 2001:db8:0:1:2:3:4:5 2001:DB8::A: refused", "<I>%eth0 <I> <I>: refused"},
		{"ip_192.0.2.7 host-7/192.0.2.7 //192.0.2.7/x client=192.0.2.7.", "ip_<I> host-7/<I> //<I>/x client=<I>."},
		{"192.0.2.7-192.0.2.9 192.0.2.7,192.0.2.8 192.0.2.7/32", "<I>-<I> <I>,<I> <I>/32"},
		{"127.0.0.1 ::1 0.0.0.0 :: 255.255.255.0 10.0.0.0/8 2001:db8::/32 169.254.169.254", "127.0.0.1 ::1 0.0.0.0 :: 255.255.255.0 10.0.0.0/8 2001:db8::/32 169.254.169.254"},
		{"v1.2.3.4 version 1.2.3.4 version=1.2.3.4 Chrome/126.0.0.1 lib-1.2.3.4 1.2.3.4-beta 1.2.3.4.5 1.3.6.1 2.5.29.17 01.2.3.4 1.2.3", "v1.2.3.4 version 1.2.3.4 version=1.2.3.4 Chrome/126.0.0.1 lib-1.2.3.4 1.2.3.4-beta 1.2.3.4.5 1.3.6.1 2.5.29.17 01.2.3.4 1.2.3"},
		{"00:1a:2b:3c:4d:5e 15:09:26 std::add a::b x::1y arn:aws:s3:::b arn:aws:ec2:us-east-1::image/ami-1 0::/x sha256:9f86", "00:1a:2b:3c:4d:5e 15:09:26 std::add a::b x::1y arn:aws:s3:::b arn:aws:ec2:us-east-1::image/ami-1 0::/x sha256:9f86"},
		// Nested texts, and markers.
		{`{"a":"{\"to\":\"bob@example.com\",\"n\":4111111111111111}"}`, `{"a":"{\"to\":\"<E>\",\"n\":\"<C>\"}"}`},
		{"[REDACTED:phone-number] 12345678 [REDACTED:email]@example.com", "<P> 12345678 <E>@example.com"},
	} {
		out, _ := s.Text(s.Root(), c.in)
		if got := short.Replace(out); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
		if again, _ := s.Text(s.Root(), out); again != out {
			t.Errorf("twice: %s, %s", out, again)
		}
	}
}
