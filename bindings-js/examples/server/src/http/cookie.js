// The session cookie.

/** Over https browsers hold every cookie with the prefix to its promise: it was set over https, by this host itself, for all of it. */
const name = (secure) => (secure ? "__Host-authkernel_session" : "authkernel_session");
const ending = (secure) => `; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;

/** A cookie that holds a token until it expires. Scripts cannot read it, and other sites cannot send it with anything but a plain link. */
export function holding(token, seconds, secure) {
  return `${name(secure)}=${token}; Max-Age=${seconds}${ending(secure)}`;
}

/** A cookie that makes the browser forget the one it has. */
export function clearing(secure) {
  return `${name(secure)}=; Max-Age=0${ending(secure)}`;
}
