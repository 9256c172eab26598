"use strict";

// The admin's session writes with its CSRF token beside it; a key or a token needs none.
function withCsrfToken(request) {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  if (cookie) request.headers["X-CSRFToken"] = cookie.slice("csrftoken=".length);
  return request;
}

// The library's link inside of each operation's button: a control in another one, which keyboards and screen readers
// cannot tell apart. The address changes with what is opened all the same.
function withoutNestedLinks({ React }) {
  return { components: { DeepLink: ({ text }) => React.createElement("span", null, text) } };
}

window.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("swagger-ui");
  SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "list",
    filter: true,
    plugins: [withoutNestedLinks],
    requestInterceptor: withCsrfToken,
    validatorUrl: null, // it would ask a service of others
  });
});
