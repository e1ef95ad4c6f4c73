package config

import (
	"errors"
	"fmt"
	"regexp"
)

// scopePart is what fits between the slashes of a signature's scope.
var scopePart = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// aws reads what requests are signed with.
func (d *decoder) aws(o *object) AWS {
	a := AWS{
		AccessKeyID:     d.key(o, "access_key_id"),
		SecretAccessKey: d.key(o, "secret_access_key"),
		SessionToken:    d.optionalKey(o, "session_token"),
	}
	a.Region, a.Service = d.scopePart(o, "region"), d.scopePart(o, "service")
	return a
}

func (d *decoder) scopePart(o *object, key string) string {
	if o.value(key) == nil {
		d.missing(o, "credential/", key)
		return ""
	}
	s, ok := d.text(o.value(key), "credential/"+key)
	if !ok {
		return ""
	}
	if err := checkScopePart(key, s); err != nil {
		d.fail(o.value(key), "credential/"+key, "%v", err)
	}
	return s
}

func checkScopePart(key, s string) error {
	if scopePart.MatchString(s) {
		return nil
	}
	if key == "region" {
		return errors.New("must be the name of a region, such as us-east-1")
	}
	return errors.New("must be the name that the service is signed for, such as s3, dynamodb or execute-api")
}

// check takes what is to be written.
func (a *AWS) check() error {
	if err := checkScopePart("region", a.Region); err != nil {
		return fmt.Errorf("credential/region: %w", err)
	}
	if err := checkScopePart("service", a.Service); err != nil {
		return fmt.Errorf("credential/service: %w", err)
	}
	return nil
}
