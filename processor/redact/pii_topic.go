// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// topic is what a name says about a number beneath or behind it. Sixteen
// digits may be a card and may be an order; 1.2.3.4 an address or a version.
type topic uint8

const (
	topicNone topic = iota
	topicPhone
	topicCard
	topicIBAN
	topicIP
	topicVersion
	topicRemote // the user at a host of a command such as ssh
	topicNumber // an id, a time, an amount: a number of another kind
)

// topicWords are the words of names, lower case, that decide.
var topicWords = func() map[string]topic {
	m := map[string]topic{}
	for t, words := range map[topic]string{
		topicPhone: "phone phones telephone telefon telefono teléfono téléphone mobile mobil móvil movil cell cellphone fax telefax tel handy msisdn whatsapp sms " +
			"phonenumber mobilephone mobilenumber telephonenumber homephone workphone telefonnummer handynummer rufnummer mobilnummer faxnumber",
		topicCard: "card cards cardnumber cardno creditcard debitcard ccnumber ccnum cc pan visa mastercard amex maestro discover diners jcb unionpay kreditkarte karte kartennummer",
		topicIBAN: "iban ibans",
		topicIP: "ip ips ipaddr ipaddress ipv4 ipv6 ip4 ip6 addr address addresses host hosts hostname peer client server remote source src dst dest destination clientip remoteip " +
			"remoteaddr sourceip sourceipaddress sourceaddress destinationip forwarded xff rhost from to listen bind dns nameserver gateway via",
		topicVersion: "version versions ver release releases build builds revision rev firmware oid oids driver sdk patch upgrade semver tag",
		topicNumber: "id ids uid gid uuid guid order orders invoice invoices ticket tickets trace traceid span spanid seq sequence offset timestamp timestamps time ts ms ns us nanos millis micros " +
			"nanoseconds milliseconds microseconds epoch count counter size bytes length amount total price balance nonce hash digest checksum commit serial imei imsi iccid sn ean gtin upc isbn sku " +
			"barcode tracking shipment parcel delta diff drift session request correlation txn tx transaction batch job run pid tid inode cursor snowflake reference ref " +
			"bestellung bestellnummer rechnung auftrag orderid ordernumber requestid transactionid userid accountid",
	} {
		for _, w := range strings.Fields(words) {
			m[w] = t
		}
	}
	return m
}()

// fillerWords say nothing: the word before decides.
var fillerWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields("number numbers num no nr nummer numero número value values val text string raw digits e164 is was the a an of my your his her their " +
		"home work main business private personal contact office direct primary secondary new old current formatted display and or under") {
		m[w] = true
	}
	return m
}()

const (
	topicReach = 48 // how much of a name is looked at
	topicMax   = 16 // longer words are none of those above
)

// topicOf is what name says: its last word that says anything. A name may be
// that of a key (client_ip, cardNumber), or the end of a text before a number
// ("order no. ").
func topicOf(name string) topic {
	if len(name) > topicReach {
		name = name[len(name)-topicReach:]
	}
	end := len(name)
	for words := 0; words < 4; words++ {
		for end > 0 && !wordByte(name[end-1]) {
			if c := name[end-1]; c == ',' || c == ';' || c == '{' || c == '}' || c == '&' || c == '|' || c == '\n' || c == ']' {
				return topicNone
			}
			end--
		}
		start := end
		for start > 0 && wordByte(name[start-1]) {
			start--
			if in(name[start], setUpper) && start > 0 && in(name[start-1], setLower) {
				break // cardNumber
			}
		}
		if start == end || end-start > topicMax {
			return topicNone
		}
		var buf [topicMax]byte
		word := buf[:0]
		for _, c := range []byte(name[start:end]) {
			word = append(word, fold(c))
		}
		if t := topicWords[string(word)]; t != topicNone {
			if t == topicNumber && before(name[:start]) == topicCard {
				return topicCard // card_id: what looks like a card there is one
			}
			return t
		}
		if !fillerWords[string(word)] && !allIn(name[start:end], setDigit) {
			return topicNone
		}
		end = start
	}
	return topicNone
}

// before is the topic of the last word of name alone.
func before(name string) topic {
	end := len(name)
	for end > 0 && !wordByte(name[end-1]) {
		end--
	}
	start := end
	for start > 0 && end-start < topicMax && wordByte(name[start-1]) {
		start--
	}
	var buf [topicMax]byte
	word := buf[:0]
	for _, c := range []byte(name[start:end]) {
		word = append(word, fold(c))
	}
	return topicWords[string(word)]
}

// wordByte says whether c belongs to a word: letters, also of other scripts,
// and digits.
func wordByte(c byte) bool { return c >= 0x80 || in(c, setAlnum) }

// topicAt is what stands before v[start:], or what the name above the value
// says. The latter tells a number apart only where it is the whole value: under
// message_id "see card 4111…" is text.
func (s *Scanner) topicAt(v string, start, end int) topic {
	from := max(s.pii.floor, start-topicReach)
	if t := topicOf(v[from:start]); t != topicNone {
		return t
	}
	t := s.pii.topic
	if (t == topicNumber || t == topicVersion) && !(blank(v[:start]) && blank(v[end:])) {
		return topicNone
	}
	return t
}

// blank says whether v, what stands beside the whole of a value, is nothing but
// a few spaces and quotes.
func blank(v string) bool { return len(v) <= 16 && strings.Trim(v, " \t\r\n\"'") == "" }
