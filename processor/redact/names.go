// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// class is what a key name says about its value.
type class struct {
	kind  kindID
	reach reach
}

// reach says how far a name reaches. The zero value: everything below is
// secret, nested values too.
type reach uint8

const (
	// reachText: only a string that stands under the name itself; a map below
	// has names of its own ("authorization": {"decision": …}).
	reachText reach = iota + 1
	// reachDigits: only a text of a few digits that stands under the name.
	reachDigits
	// reachCode: likewise, or a number.
	reachCode
	// reachNone: a name that looks sensitive and is known not to be, such as
	// secretName: it lifts what a name above it forces.
	reachNone
)

// sensitiveSuffixes are the ends of normalised names, longest first where one
// ends in another. Normalised: lower case, only letters and digits, the last
// segment of a dotted name.
var sensitiveSuffixes = []struct {
	suffix string
	class  class
}{
	{"secretaccesskey", class{kind: kindAWSSecretKey}},
	{"awssecretkey", class{kind: kindAWSSecretKey}},
	{"awssecret", class{kind: kindAWSSecretKey}},
	{"awssessiontoken", class{kind: kindAWSSessionToken}},
	{"amzsecuritytoken", class{kind: kindAWSSessionToken}},
	{"amzsignature", class{kind: kindSignature, reach: reachText}},
	{"googsignature", class{kind: kindSignature, reach: reachText}},
	{"osssignature", class{kind: kindSignature, reach: reachText}},
	{"cloudfrontsignature", class{kind: kindSignature, reach: reachText}},
	{"cloudfrontpolicy", class{kind: kindSignature, reach: reachText}},
	{"accountkey", class{kind: kindAzureStorageKey}},
	{"storagekey", class{kind: kindAzureStorageKey}},
	{"sharedaccesskey", class{kind: kindAzureStorageKey}},
	{"sharedaccesssignature", class{kind: kindAzureSAS}},
	{"sastoken", class{kind: kindAzureSAS}},
	{"privatekey", class{kind: kindPrivateKey}},
	{"privatekeydata", class{kind: kindPrivateKey}},
	{"privatekeypem", class{kind: kindPrivateKey}},

	{"password", class{kind: kindPassword}},
	{"passwords", class{kind: kindPassword}},
	{"passwd", class{kind: kindPassword}},
	{"passphrase", class{kind: kindPassword}},
	{"passcode", class{kind: kindPassword}},
	{"passwordhash", class{kind: kindPassword}},
	{"hashedpassword", class{kind: kindPassword}},
	{"sshpass", class{kind: kindPassword}},
	{"storepass", class{kind: kindPassword}},
	{"keypass", class{kind: kindPassword}},
	{"rootpass", class{kind: kindPassword}},
	{"dbpass", class{kind: kindPassword}},
	{"userpass", class{kind: kindPassword}},
	{"adminpass", class{kind: kindPassword}},
	{"requirepass", class{kind: kindPassword}},
	{"masterauth", class{kind: kindPassword}},
	{"authtok", class{kind: kindPassword}},
	{"bindpw", class{kind: kindPassword}},
	{"rootpw", class{kind: kindPassword}},
	{"keymaterial", class{kind: kindPassword}},
	{"pwd", class{kind: kindPassword}},
	{"passwort", class{kind: kindPassword}},
	{"kennwort", class{kind: kindPassword}},
	{"motdepasse", class{kind: kindPassword}},
	{"contrasena", class{kind: kindPassword}},
	{"wachtwoord", class{kind: kindPassword}},
	{"passord", class{kind: kindPassword}},
	{"adgangskode", class{kind: kindPassword}},
	{"salasana", class{kind: kindPassword}},
	{"losenord", class{kind: kindPassword}},
	{"lozinka", class{kind: kindPassword}},
	{"jelszo", class{kind: kindPassword}},

	// Codes of a few digits: the value decides.
	{"cvv", class{kind: kindPassword, reach: reachCode}},
	{"cvv2", class{kind: kindPassword, reach: reachCode}},
	{"cvc", class{kind: kindPassword, reach: reachCode}},
	{"otp", class{kind: kindPassword, reach: reachCode}},
	{"otpcode", class{kind: kindPassword, reach: reachCode}},
	{"totpcode", class{kind: kindPassword, reach: reachCode}},
	{"mfacode", class{kind: kindPassword, reach: reachCode}},
	{"pincode", class{kind: kindPassword, reach: reachCode}},
	{"verificationcode", class{kind: kindPassword, reach: reachCode}},
	{"securitycode", class{kind: kindPassword, reach: reachCode}},

	{"apikey", class{kind: kindAPIKey}},
	{"apikeys", class{kind: kindAPIKey}},
	{"accesskey", class{kind: kindAPIKey}},
	{"secretkey", class{kind: kindAPIKey}},
	{"signingkey", class{kind: kindAPIKey}},
	{"encryptionkey", class{kind: kindAPIKey}},
	{"decryptionkey", class{kind: kindAPIKey}},
	{"masterkey", class{kind: kindAPIKey}},
	{"sharedkey", class{kind: kindAPIKey}},
	{"presharedkey", class{kind: kindAPIKey}},
	{"authkey", class{kind: kindAPIKey}},
	{"subscriptionkey", class{kind: kindAPIKey}},
	{"functionkey", class{kind: kindAPIKey}},
	{"functionskey", class{kind: kindAPIKey}},
	{"servicekey", class{kind: kindAPIKey}},
	{"deploykey", class{kind: kindAPIKey}},
	{"licensekey", class{kind: kindAPIKey}},
	{"sessionkey", class{kind: kindAPIKey}},
	{"webhookkey", class{kind: kindAPIKey}},
	{"hmackey", class{kind: kindAPIKey}},
	{"appkey", class{kind: kindAPIKey}},
	{"applicationkey", class{kind: kindAPIKey}},
	{"consumerkey", class{kind: kindAPIKey}},
	{"rootkey", class{kind: kindAPIKey}},
	{"unsealkey", class{kind: kindAPIKey}},
	{"recoverykey", class{kind: kindAPIKey}},
	{"customerkey", class{kind: kindAPIKey}},
	{"secretkeybase", class{kind: kindAPIKey}},

	{"clientsecret", class{kind: kindSecret}},
	{"secretstring", class{kind: kindSecret}},
	{"secretbinary", class{kind: kindSecret}},
	{"secretvalue", class{kind: kindSecret}},
	{"secretdata", class{kind: kindSecret}},
	{"secrets", class{kind: kindSecret}},
	{"secret", class{kind: kindSecret}},

	{"sessiontoken", class{kind: kindToken}},
	{"tokenvalue", class{kind: kindToken}},
	{"token", class{kind: kindToken}},
	{"jwt", class{kind: kindToken}},
	{"sonarlogin", class{kind: kindToken}},
	{"jenkinscrumb", class{kind: kindToken}},
	{"phpsessid", class{kind: kindToken}},
	{"jsessionid", class{kind: kindToken}},
	{"samlresponse", class{kind: kindToken}},
	{"devicecode", class{kind: kindToken}},
	{"mnemonic", class{kind: kindSecret, reach: reachText}},
	{"seedphrase", class{kind: kindSecret, reach: reachText}},
	{"bearer", class{kind: kindBearer}},
	{"rediscliauth", class{kind: kindPassword}},

	{"credential", class{kind: kindCredential}},
	{"credentials", class{kind: kindCredential}},
	{"proxyauthorization", class{kind: kindAuthorization, reach: reachText}},
	{"authorization", class{kind: kindAuthorization, reach: reachText}},
	{"cookie", class{kind: kindCookie}},
	{"cookies", class{kind: kindCookie}},
}

// harmlessSuffixes look like the ones above and are not.
var harmlessSuffixes = []string{
	"existingsecret", "imagepullsecret", "imagepullsecrets", "pullsecret", "pullsecrets", "tlssecret", "fromsecret",
	"nexttoken", "pagetoken", "continuationtoken", "synctoken", "resumetoken", "cursortoken", "cancellationtoken",
	"deltatoken", "markertoken", "requesttoken", "idempotencytoken", "starttoken", "endtoken", "stoptoken",
	"eostoken", "bostoken", "padtoken", "unktoken", "pertoken",
	"nopassword", "nopasswd", "oldpwd", "publickey", "accesskeyid", "bypass",
	"asksudopass", "askpass", "askbecomepass", "sshaskpass", "gitaskpass",
}

// liftedNames stand beside the secret in what a credential container holds;
// they are not secret themselves. They lift nothing but kindCredential.
var liftedNames = map[string]bool{
	"accesskeyid": true, "expiration": true, "expires": true, "expiry": true, "expiresat": true, "type": true,
	"name": true, "namespace": true, "username": true, "user": true, "id": true, "projectid": true,
	"clientemail": true, "clientid": true, "region": true, "authuri": true, "tokenuri": true, "privatekeyid": true,
	"clientx509certurl": true, "authproviderx509certurl": true, "universedomain": true, "provider": true,
	"credentialid": true, "issuer": true, "subject": true, "scope": true, "accountid": true, "version": true,
	"principal": true, "principalid": true, "arn": true, "rolearn": true, "sessionname": true,
}

// referenceNames lift any forced kind: they name where a secret is kept. In a
// Kubernetes object {"secret": {"secretName": "tls", "optional": true}}.
var referenceNames = map[string]bool{
	"secretname": true, "secretref": true, "secretkeyref": true, "secretarn": true, "credentialsref": true,
	"tokenttl": true, "tokentype": true, "passwordpolicy": true, "expirationseconds": true,
}

// genericSegments say nothing by themselves: the segment before decides.
var genericSegments = map[string]bool{
	"value": true, "val": true, "text": true, "plain": true, "plaintext": true, "plaintextvalue": true, "raw": true,
	"current": true, "new": true, "old": true, "string": true, "stringvalue": true, "data": true, "default": true,
	"b64": true, "base64": true,
}

// maxName bounds what of a name is looked at: its end.
const maxName = 96

// classifyName says what name makes of its value. It allocates nothing.
func (r *Redactor) classifyName(name string) class {
	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	if !isASCII(name) && foreignName(name) {
		return class{kind: kindPassword}
	}
	var buf, plain [maxName]byte
	if strings.Contains(name, markerOpen) {
		// The name of a kind says nothing of the value: a key that was
		// redacted must not mean more than it did before.
		name = string(r.kinds.withoutMarkers(plain[:0], name))
	}
	for {
		name = trimIndex(name)
		cut := strings.LastIndexAny(name, "./:[ ")
		if cut > 0 && strings.HasSuffix(name, "sonar.login") {
			return class{kind: kindToken}
		}
		seg := normalise(buf[:0], name[cut+1:])
		if cut > 0 && (len(seg) == 0 || genericSegments[string(seg)]) {
			name = name[:cut]
			continue
		}
		// "secret access key" and "api key" are written with spaces, too.
		if cut >= 0 && name[cut] == ' ' {
			from := strings.LastIndexAny(name, "./:[") + 1
			seg = normalise(buf[:0], name[from:])
		}
		return r.classifySegment(seg, name)
	}
}

// withoutMarkers copies name with an x for every exact marker.
func (t *kindTable) withoutMarkers(dst []byte, name string) []byte {
	for i := 0; i < len(name); {
		if name[i] == '[' {
			if n := t.markerLen(name[i:]); n > 0 {
				dst = append(dst, 'x')
				i += n
				continue
			}
		}
		dst = append(dst, name[i])
		i++
	}
	return dst
}

// trimIndex drops what numbers a name: password1, token_2, secrets[0].
func trimIndex(name string) string {
	end := len(name)
	for end > 0 {
		c := name[end-1]
		if !in(c, setDigit) && c != ']' && c != '_' && c != '-' && c != '[' && c != '"' && c != '\'' {
			break
		}
		end--
	}
	return name[:end]
}

func normalise(dst []byte, seg string) []byte {
	for i := 0; i < len(seg); i++ {
		if in(seg[i], setAlnum) {
			dst = append(dst, fold(seg[i]))
		}
	}
	return dst
}

func (r *Redactor) classifySegment(seg []byte, name string) class {
	c := r.segmentClass(seg, name)
	if r.allow != nil && c.kind != kindNone && r.allow.lifts(seg, c.kind) {
		return class{reach: reachNone}
	}
	return c
}

func (r *Redactor) segmentClass(seg []byte, name string) class {
	if len(seg) < 3 {
		return class{}
	}
	if len(r.allowed) > 0 && r.allowed[string(seg)] {
		return class{reach: reachNone}
	}
	if len(r.extra) > 0 {
		if kind := r.extra[string(seg)]; kind != kindNone {
			return class{kind: kind}
		}
	}
	// The last letter rules out nearly every name at once.
	last := seg[len(seg)-1]
	if sensitiveLast[last] {
		for _, h := range harmlessByLast[last] {
			if hasSuffix(seg, h) {
				return class{reach: reachNone}
			}
		}
		for _, c := range suffixesByLast[last] {
			if hasSuffix(seg, sensitiveSuffixes[c].suffix) {
				switch sensitiveSuffixes[c].suffix {
				case "authorization":
					if !wordBoundaryBefore(name, len("authorization")) {
						continue // binaryauthorization
					}
				case "token":
					if hasSuffix(seg, "clienttoken") && strings.IndexByte(name, '_') < 0 {
						return class{reach: reachNone} // AWS's clientToken makes a request idempotent
					}
				}
				return sensitiveSuffixes[c].class
			}
		}
		if hasSuffix(seg, "pass") && wordBoundaryBefore(name, 4) {
			return class{kind: kindPassword}
		}
		for _, w := range [...]string{"senha", "heslo", "parola", "haslo", "pw", "psk", "pin"} {
			if hasSuffix(seg, w) && wordBoundaryBefore(name, len(w)) {
				if w == "pin" {
					return class{kind: kindPassword, reach: reachDigits}
				}
				return class{kind: kindPassword}
			}
		}
		if string(seg) == "auth" || hasSuffix(seg, "auth") && strings.HasSuffix(name, "_auth") {
			return class{kind: kindBasicAuth, reach: reachText}
		}
	}
	if referenceNames[string(seg)] {
		return class{reach: reachNone}
	}
	if hasSuffix(seg, "secretid") {
		// An AppRole secret_id is a secret, the id of a stored secret is not:
		// the value decides.
		return class{kind: kindVaultSecretID, reach: reachText}
	}
	for _, deco := range [...]string{"confirmation", "confirm", "repeat", "again", "plaintext", "value", "base64", "b64", "prod", "dev", "staging", "old", "new"} {
		if len(seg) > len(deco)+3 && hasSuffix(seg, deco) {
			if c := r.classifySegment(seg[:len(seg)-len(deco)], strings.TrimRight(name[:max(0, len(name)-len(deco))], "_-")); c.kind != kindNone {
				return c
			}
		}
	}
	return class{}
}

// sensitiveLast holds the last letters of all names that the tables know.
var sensitiveLast, suffixesByLast, harmlessByLast = func() (last [256]bool, bySuffix [256][]int, harmless [256][]string) {
	for i, s := range sensitiveSuffixes {
		c := s.suffix[len(s.suffix)-1]
		last[c] = true
		bySuffix[c] = append(bySuffix[c], i)
	}
	for _, h := range harmlessSuffixes {
		c := h[len(h)-1]
		last[c] = true
		harmless[c] = append(harmless[c], h)
	}
	for _, c := range "sahownpk" {
		last[c] = true
	}
	return last, bySuffix, harmless
}()

func hasSuffix(b []byte, suffix string) bool {
	return len(b) >= len(suffix) && string(b[len(b)-len(suffix):]) == suffix
}

// wordBoundaryBefore says whether the last n bytes of name are a word of their
// own: DB_PASS and dbPass are, compass is not.
func wordBoundaryBefore(name string, n int) bool {
	i := len(name) - n
	if i <= 0 {
		return true
	}
	return !in(name[i-1], setAlnum) || in(name[i], setUpper) && in(name[i-1], setLower) || in(name[i-1], setDigit)
}

// isUUID says whether v has the form of a generated secret id.
func isUUID(v string) bool {
	if len(v) != 36 {
		return false
	}
	for i := 0; i < len(v); i++ {
		switch i {
		case 8, 13, 18, 23:
			if v[i] != '-' {
				return false
			}
		default:
			if !in(v[i], setHex) {
				return false
			}
		}
	}
	return true
}
