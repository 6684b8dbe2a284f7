# The web app as one file of packed, compressed contents, which src/gateway/web/embedded.cpp takes in. Sets
# IMGIMPORT_WEB_PACK. Without Node the pack is empty, and the program says so instead of showing the app.
set(IMGIMPORT_WEB_PACK ${CMAKE_BINARY_DIR}/web_app.pack)
option(IMGIMPORT_WEB_APP "Build the web app into the program, where Node is installed" ON)
find_program(NODE node)
find_program(NPM npm)
if(IMGIMPORT_WEB_APP AND NODE AND NPM)
  file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/frontend/src/* ${CMAKE_SOURCE_DIR}/frontend/public/*
    ${CMAKE_SOURCE_DIR}/frontend/scripts/*)
  list(FILTER web_sources EXCLUDE REGEX "/schema\\.d\\.ts$")
  foreach(file index.html package.json package-lock.json vite.config.ts)
    list(APPEND web_sources ${CMAKE_SOURCE_DIR}/frontend/${file})
  endforeach()
  add_custom_command(OUTPUT ${IMGIMPORT_WEB_PACK}
    COMMAND ${CMAKE_SOURCE_DIR}/frontend/scripts/build.sh ${CMAKE_BINARY_DIR}/web_app ${IMGIMPORT_WEB_PACK}
    DEPENDS ${web_sources}
    COMMENT "Building the web app" VERBATIM)
else()
  message(STATUS "Node is not installed, or not wanted: the program is built without the web app")
  file(CONFIGURE OUTPUT ${IMGIMPORT_WEB_PACK} CONTENT "imgimport-web 1 0\n\n" @ONLY NEWLINE_STYLE UNIX)
endif()
