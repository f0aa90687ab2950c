package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Package is an archive of code: as source to be built, or ready to be deployed.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type Package struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   PackageSpec   `json:"spec"`
	Status PackageStatus `json:"status,omitempty"`
}

// PackageList is a list of packages.
//
// +kubebuilder:object:root=true
type PackageList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Package `json:"items"`
}

// PackageSpec is what users declare of a package.
type PackageSpec struct {
	// Environment that builds and runs the code.
	Environment EnvironmentReference `json:"environment"`
	// Source archive, to be built.
	Source Archive `json:"source,omitempty"`
	// Deployment archive, ready to be loaded.
	Deployment Archive `json:"deployment,omitempty"`
	// BuildCommand replaces the environment's build command.
	BuildCommand string `json:"buildcmd,omitempty"`
}

// Archive is code in one of several places; at most one of Literal, URL and OCI is set.
type Archive struct {
	// Type is "", "literal", "url" or "oci".
	Type string `json:"type,omitempty"`
	// Literal holds the code itself, at most 256 KiB.
	Literal []byte `json:"literal,omitempty"`
	// URL to fetch the code from.
	URL string `json:"url,omitempty"`
	// Checksum of what the URL answers.
	Checksum Checksum `json:"checksum,omitempty"`
	// OCI image that holds the code.
	OCI *OCIArchive `json:"oci,omitempty"`
}

// Checksum of an archive.
type Checksum struct {
	// Type is "sha256".
	Type string `json:"type,omitempty"`
	// Sum in lower-case hexadecimal.
	Sum string `json:"sum,omitempty"`
}

// OCIArchive is code in an OCI image.
type OCIArchive struct {
	// Image reference.
	Image string `json:"image"`
	// ImagePullSecrets name Secrets with registry credentials.
	ImagePullSecrets []string `json:"imagePullSecrets,omitempty"`
	// SubPath inside the image.
	SubPath string `json:"subPath,omitempty"`
	// Digest that the image must have.
	Digest string `json:"digest,omitempty"`
}

// PackageStatus is what the platform reports of a package.
type PackageStatus struct {
	// BuildStatus is one of the Build constants.
	BuildStatus string `json:"buildstatus,omitempty"`
	// BuildLog is what the build printed.
	BuildLog string `json:"buildlog,omitempty"`
	// ContentHash of the source that was built last.
	ContentHash string `json:"contentHash,omitempty"`
	// LastUpdateTimestamp of the build status.
	LastUpdateTimestamp metav1.Time `json:"lastUpdateTimestamp,omitempty"`
	// ObservedGeneration is the generation that the status speaks of.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: BuildSucceeded, Ready.
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Values of PackageStatus.BuildStatus.
const (
	BuildPending   = "pending"
	BuildRunning   = "running"
	BuildSucceeded = "succeeded"
	BuildFailed    = "failed"
	BuildNone      = "none"
)

// Values of Archive.Type.
const (
	ArchiveLiteral = "literal"
	ArchiveURL     = "url"
	ArchiveOCI     = "oci"
)

// MaxLiteral is the size in bytes up to which an archive may be a literal.
const MaxLiteral = 256 * 1024

// Empty reports whether the archive names no code.
func (a *Archive) Empty() bool {
	return len(a.Literal) == 0 && a.URL == "" && a.OCI == nil
}
