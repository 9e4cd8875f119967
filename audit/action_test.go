// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit"
)

func TestParseAction(t *testing.T) {
	for p, texts := range map[audit.Provider][]string{
		audit.AWS:   {"s3:GetObject", "s3:Get*", "iam:*", "*", "*:*", "ec2:Describe?nstances", "execute-api:Invoke", "s3:*Object"},
		audit.GCP:   {"storage.objects.get", "storage.objects.*", "storage.*.*", "*", "compute.instances.setMetadata", "my-app.some_thing.do"},
		audit.Azure: {"Microsoft.Storage/storageAccounts/read", "Microsoft.Storage/storageAccounts/blobServices/containers/read", "*/read", "Microsoft.Compute/*", "Microsoft.Compute/*/read", "*"},
	} {
		for _, text := range texts {
			a, err := audit.ParseAction(p, text)
			if err != nil {
				t.Errorf("%s: %v", p, err)
			} else if a.String() != text || a.Provider() != p {
				t.Errorf("%s %q prints as %s %q", p, text, a.Provider(), a)
			}
		}
	}
}

func TestParseActionRefuses(t *testing.T) {
	for p, texts := range map[audit.Provider][]string{
		audit.AWS:   {"", "s3", "s3:", ":Get", "s3:Get:Object", "s3:Get Object", "s3.objects.get", "s3:Gét", "s?:Get", "s3:Get\n"},
		audit.GCP:   {"", "storage", "storage.objects", "storage.objects.get.more", "storage..get", ".objects.get", "s3:GetObject", "storage.objects.ge?", "storage.objects.get "},
		audit.Azure: {"", "Microsoft.Storage", "Microsoft.Storage/read", "Microsoft.Storage//read", "/storageAccounts/read", "Microsoft.Storage/storageAccounts/", "s3:GetObject", "Microsoft.Storage/a b/read"},
		"oracle":    {"s3:GetObject", "*"},
		"":          {"*"},
	} {
		for _, text := range texts {
			if a, err := audit.ParseAction(p, text); err == nil {
				t.Errorf("%s took %q", p, text)
			} else if a != (audit.Action{}) {
				t.Errorf("%s %q: an action beside the error", p, text)
			}
		}
	}
	_, err := audit.ParseAction(audit.AWS, "storage.objects.get")
	if err == nil || !strings.Contains(err.Error(), "service:Action") {
		t.Errorf("the error does not say what to write: %v", err)
	}
}

func TestActionMatches(t *testing.T) {
	for _, tt := range []struct {
		p               audit.Provider
		pattern, action string
		want            bool
	}{
		{audit.AWS, "s3:GetObject", "s3:GetObject", true},
		{audit.AWS, "s3:getobject", "S3:GetObject", true},
		{audit.AWS, "s3:Get*", "s3:GetObject", true},
		{audit.AWS, "s3:Get*", "s3:Get", true},
		{audit.AWS, "s3:Get*", "s3:PutObject", false},
		{audit.AWS, "s3:*", "s3-object-lambda:Get", false},
		{audit.AWS, "*", "iam:PassRole", true},
		{audit.AWS, "s3:*Object*", "s3:GetObjectAcl", true},
		{audit.AWS, "s3:G?tObject", "s3:GetObject", true},
		{audit.AWS, "s3:Get?", "s3:Get", false},
		{audit.AWS, "s3:*", "s3:Get*", true},
		{audit.AWS, "s3:Get*", "s3:*", false},
		{audit.AWS, "s3:Get?", "s3:Get*", false}, // '*' is more than one character
		{audit.GCP, "storage.objects.*", "storage.objects.get", true},
		{audit.GCP, "storage.objects.get", "storage.objects.Get", false},
		{audit.GCP, "storage.*.get", "storage.objects.get", true},
		{audit.GCP, "storage.objects.*", "storage.buckets.get", false},
		{audit.Azure, "*/read", "Microsoft.Storage/storageAccounts/read", true},
		{audit.Azure, "microsoft.storage/*", "Microsoft.Storage/storageAccounts/blobServices/read", true},
		{audit.Azure, "*/read", "Microsoft.Storage/storageAccounts/write", false},
		{audit.AWS, "s3:*a*a*a*a*a*a*b", "s3:" + strings.Repeat("a", 5000), false}, // and soon
	} {
		pattern, err := audit.ParseAction(tt.p, tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		action, err := audit.ParseAction(tt.p, tt.action)
		if err != nil {
			t.Fatal(err)
		}
		if got := pattern.Matches(action); got != tt.want {
			t.Errorf("%s: %s matches %.40s: %v, want %v", tt.p, tt.pattern, tt.action, got, tt.want)
		}
	}
	aws, _ := audit.ParseAction(audit.AWS, "*")
	gcp, _ := audit.ParseAction(audit.GCP, "storage.objects.get")
	if aws.Matches(gcp) || gcp.Matches(aws) || aws.Matches(audit.Action{}) || (audit.Action{}).Matches(audit.Action{}) {
		t.Error("it matches across providers, or nothing")
	}
}

func FuzzParseAction(f *testing.F) {
	for _, text := range []string{"s3:Get*", "storage.objects.get", "Microsoft.Storage/storageAccounts/read", "*", "*/read", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range []audit.Provider{audit.AWS, audit.GCP, audit.Azure} {
			a, err := audit.ParseAction(p, text)
			if err != nil {
				continue
			}
			if a.String() != text {
				t.Errorf("%s %q prints as %q", p, text, a)
			}
			star, err := audit.ParseAction(p, "*")
			if err != nil || !star.Matches(a) || !strings.Contains(text, "?") && !a.Matches(a) {
				t.Errorf("%s %q is matched neither by * nor by itself", p, text)
			}
		}
	})
}

func TestParseProvider(t *testing.T) {
	for name, want := range map[string]audit.Provider{"": audit.AWS, "aws": audit.AWS, "gcp": audit.GCP, "azure": audit.Azure} {
		if got, err := audit.ParseProvider(name); err != nil || got != want || !got.Valid() || got.String() != string(want) {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"AWS", "oracle", " aws"} {
		if got, err := audit.ParseProvider(name); err == nil || got.Valid() {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}

func ExampleParseAction() {
	allowed, err := audit.ParseAction(audit.AWS, "s3:Get*")
	if err != nil {
		fmt.Println(err)
		return
	}
	done, _ := audit.ParseAction(audit.AWS, "s3:GetObject")
	fmt.Println(allowed, allowed.Matches(done))

	_, err = audit.ParseAction(audit.GCP, "s3:GetObject")
	fmt.Println(err)
	// Output:
	// s3:Get* true
	// gcp action "s3:GetObject": want service.resource.verb, such as storage.objects.get, or *
}
