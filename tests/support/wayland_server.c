/* A Wayland server without a screen, by libwayland-server and the protocol's own description.
 *
 * It prints "socket NAME", then "asked HOW TIMEOUT_MS" for each notice that a client asks for. A word on its standard
 * input, "idled" or "resumed", is told to all of them. Arguments: the version of the notifier, 0 for none; then whether
 * there is a seat, 0 or 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-server.h>
#include "ext-idle-notify.h"

static struct wl_resource *notices[16];
static int count;

static void destroy(struct wl_client *client, struct wl_resource *resource) {
    wl_resource_destroy(resource);
}

static const struct ext_idle_notification_v1_interface notice_requests = {.destroy = destroy};

static void add(struct wl_client *client, struct wl_resource *notifier, uint32_t id, const char *how, uint32_t ms) {
    struct wl_resource *notice =
        wl_resource_create(client, &ext_idle_notification_v1_interface, wl_resource_get_version(notifier), id);
    wl_resource_set_implementation(notice, &notice_requests, NULL, NULL);
    notices[count++] = notice;
    printf("asked %s %u\n", how, ms);
    fflush(stdout);
}

static void get_idle(struct wl_client *client, struct wl_resource *notifier, uint32_t id, uint32_t ms,
                     struct wl_resource *seat) {
    add(client, notifier, id, "idle", ms);
}

#ifdef EXT_IDLE_NOTIFIER_V1_GET_INPUT_IDLE_NOTIFICATION_SINCE_VERSION
static void get_input(struct wl_client *client, struct wl_resource *notifier, uint32_t id, uint32_t ms,
                      struct wl_resource *seat) {
    add(client, notifier, id, "input", ms);
}
#endif

static const struct ext_idle_notifier_v1_interface notifier_requests = {
    .destroy = destroy,
    .get_idle_notification = get_idle,
#ifdef EXT_IDLE_NOTIFIER_V1_GET_INPUT_IDLE_NOTIFICATION_SINCE_VERSION
    .get_input_idle_notification = get_input,
#endif
};

static void bind_notifier(struct wl_client *client, void *data, uint32_t version, uint32_t id) {
    struct wl_resource *notifier = wl_resource_create(client, &ext_idle_notifier_v1_interface, version, id);
    wl_resource_set_implementation(notifier, &notifier_requests, NULL, NULL);
}

static void bind_seat(struct wl_client *client, void *data, uint32_t version, uint32_t id) {
    wl_seat_send_capabilities(wl_resource_create(client, &wl_seat_interface, version, id), WL_SEAT_CAPABILITY_KEYBOARD);
}

static int told(int fd, uint32_t mask, void *display) {
    char word[32];
    if (!fgets(word, sizeof word, stdin)) {
        wl_display_terminate(display);
        return 0;
    }
    for (int i = 0; i < count; i++) {
        if (!strcmp(word, "idled\n"))
            ext_idle_notification_v1_send_idled(notices[i]);
        else
            ext_idle_notification_v1_send_resumed(notices[i]);
    }
    return 0;
}

int main(int argc, char **argv) {
    struct wl_display *display = wl_display_create();
    if (atoi(argv[1]))
        wl_global_create(display, &ext_idle_notifier_v1_interface, atoi(argv[1]), NULL, bind_notifier);
    if (atoi(argv[2]))
        wl_global_create(display, &wl_seat_interface, 1, NULL, bind_seat);
    printf("socket %s\n", wl_display_add_socket_auto(display));
    fflush(stdout);
    wl_event_loop_add_fd(wl_display_get_event_loop(display), 0, WL_EVENT_READABLE, told, display);
    wl_display_run(display);
    return 0;
}
