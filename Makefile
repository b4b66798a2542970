# SPDX-License-Identifier: Apache-2.0

SWIFT ?= swift
# Of debug builds. What is built with some is built anew without them, so there are none where people build now and then.
BUILD_FLAGS ?=
DEBUG_KITH = .build/debug/kith
RELEASE_KITH = .build/release/kith
# On Linux the program carries Swift's libraries with it: nothing to install beside it, and faster calls into them.
# Exclusive access is checked at run time by debug builds, which all tests run on, and not by this one: one in five of the
# instructions that a streamed piece takes (docs/decisions/0014-hot-path-profile.md).
RELEASE_FLAGS = $(if $(filter Linux,$(shell uname -s)),--static-swift-stdlib) -Xswiftc -enforce-exclusivity=unchecked
SWIFT_CODE = Package.swift $(wildcard Sources Tests Benchmarks Fuzz)

# The embedded engine of tests and demonstration stays in the build folder; the user's own is not touched.
ENGINE_DIR = $(CURDIR)/.build/engine

.DEFAULT_GOAL := help
.PHONY: help deps build packages sbom dist package package-twice test-package fuzz release demo test test-agents test-breaks test-network test-durability bench bench-path bench-page bench-state \
	bench-continuation bench-balance bench-limits soak soak-kin soak-hostile format lint docs clean

help: ## This list
	@echo 'kith: one private network of AI assistants out of the machines you own'
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-22s %s\n", $$1, $$2 }'

deps:
	@scripts/install-deps

build: deps ## A debug build
	@$(SWIFT) build $(BUILD_FLAGS)

packages: deps ## Writes the list of packages of a release anew, from those that are resolved now
	@$(SWIFT) package resolve
	@scripts/check-packages --renew

sbom: deps ## What the program is made of, as CycloneDX, .build/release/kith.cdx.json
	@$(SWIFT) package resolve
	@scripts/make-sbom

dist: deps ## A release: only of the listed packages, with what it is made of and its SHA-256
	@$(SWIFT) package resolve
	@scripts/check-packages
	@$(MAKE) --no-print-directory release sbom
	@cd .build/release && { sha256sum kith kith.cdx.json 2>/dev/null || shasum -a 256 kith kith.cdx.json; } >SHA256SUMS

package: release ## A .deb, an archive with install.sh, a container image and a formula, in .build/package
	@scripts/make-package

package-twice: release ## Makes the packages twice and compares them byte by byte
	@scripts/make-package --twice

test-package: package ## Installs the packages into a bare Debian 12, asks, restarts, removes; as root, with debootstrap
	@scripts/test-package

fuzz: deps ## Ten million inputs for each decoder that other machines reach, guided by coverage; hours, at low priority
	@scripts/fuzz

release: deps ## An optimised build of the program, .build/release/kith
	@echo 'Building kith; a first build takes several minutes.'
	@$(SWIFT) build -c release --product kith $(RELEASE_FLAGS)
	@scripts/check-packages --warn

demo: release ## Three nodes, a real model, one prompt, and what happens when the answering node dies
	@KITH_ENGINE_DIR="$${KITH_ENGINE_DIR:-$(ENGINE_DIR)}" scripts/demo

# Where network namespaces cannot be made, the tests that need them are skipped and say why.
test: deps ## All tests: Swift's, and real clients against real nodes
	@echo 'Building kith and its tests; a first build takes several minutes.'
	@$(SWIFT) build --build-tests $(BUILD_FLAGS)
	@KITH_ENGINE_DIR="$(ENGINE_DIR)" $(DEBUG_KITH) engine install
	@KITH_ENGINE_DIR="$(ENGINE_DIR)" SWIFT="$(SWIFT)" scripts/test-swift
	@KITH_ENGINE_DIR="$(ENGINE_DIR)" scripts/test-clients

test-agents: build ## Real coding agents against real nodes; fetches their programs once, some 320 MB
	@scripts/test-agents

test-network: build ## Of the tests only those with hosts in network namespaces; as root, on Linux
	@scripts/test-network

test-durability: build ## Fifty rounds of kill -9 and of failing disks under a node that is written to
	@KITH_DURABILITY_ROUNDS="$${KITH_DURABILITY_ROUNDS:-50}" scripts/test-clients test_durability

test-breaks: build ## A kin killed at every piece of answers with thoughts, calls and schemas, in every dialect
	@KITH_BREAKS=all scripts/test-clients test_continued_agents

bench-page: release ## How soon the page is there, how large, how fluid in a crowd, and what a follower costs
	@PYTHONPATH=scripts "$$(scripts/client-python)" scripts/bench-page

bench-state: release ## How soon kin see a write, and how fast one that was away catches up
	@scripts/bench-state

bench: release ## Throughput, latency, memory and streams beside nginx, as in docs/benchmarks.md
	@scripts/bench
	@scripts/bench-streams

bench-path: release ## What the way of a prompt costs: processor time, first bytes, memory, idling, beside nginx
	@scripts/bench-path

bench-continuation: release ## Answers whose node is lost in the middle; as root with links that are cut
	@scripts/bench-continuation

bench-limits: ## What it costs to count the requests of limited callers
	@scripts/bench-limits

bench-balance: release ## Waiting times over three uneven nodes beside other ways to choose, and what affinity gains
	@scripts/bench-balance

soak: release ## An hour at half load while nodes come and go
	@scripts/soak

soak-kin: release ## Half an hour of clients through a kin, half of whom leave; nothing may be lost
	@scripts/soak-kin

soak-hostile: release ## An hour of all that a stolen kin can send to three honest ones, until it is forgotten
	@"$$(scripts/client-python)" scripts/soak-hostile

format: deps ## Rewrites the Swift code in the house style
	@$(SWIFT) format --in-place --recursive --parallel $(SWIFT_CODE)

lint: deps ## Checks style, which target imports which, how large files are, links, and the API description
	@$(SWIFT) format lint --strict --recursive --parallel $(SWIFT_CODE)
	@scripts/check-house
	@scripts/check-docs

docs: deps ## A page for each target, in .build/documentation
	@scripts/make-docs

clean: ## Removes what building and running made; keeps downloaded packages and the engine
	@$(SWIFT) package clean
	@rm -rf .build/demo .build/bench .build/bench-* .build/soak .build/soak-* .build/clients .build/end-to-end
