# SPDX-License-Identifier: MIT
# Conan 2 recipe that packages the clone it lies in: conan create cmake/packaging/conan
# Not exercised by this project's tests, which have no Conan at hand.
import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class NexusIdempotency(ConanFile):
    name = "nexus_idempotency"
    version = "0.1.0"
    license = "MIT"
    description = "Command idempotency for C++ services: execute once, replay the result"
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"json": [True, False]}
    default_options = {"json": True}
    generators = "CMakeDeps"

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*"):
            copy(self, pattern, src=root, dst=self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        if self.options.json:
            self.requires("nlohmann_json/[>=3.8 <4]", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["NEXUS_IDEMPOTENCY_TESTS"] = False
        toolchain.cache_variables["NEXUS_IDEMPOTENCY_EXAMPLES"] = False
        toolchain.cache_variables["CMAKE_DISABLE_FIND_PACKAGE_nlohmann_json"] = not self.options.json
        toolchain.generate()

    def build(self):
        CMake(self).configure()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))

    def package_id(self):
        self.info.settings.clear()  # headers only: one package for all; the option json still tells two apart

    def package_info(self):
        # Consumers use the CMake package that the library itself installs.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake/nexus_idempotency"]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
